// The call as it was, for metering, once the answer stands. ES5, after aforo-shared.js.

var AFORO_VERSION = '1.0.0';

function aforoNumber(name) {
  var told = context.getVariable(name);
  return told === null || told === undefined || told === '' || isNaN(Number(told)) ? null : Number(told);
}

function aforoText(name) {
  var told = context.getVariable(name);
  return told === null || told === undefined || told === '' ? null : String(told);
}

function aforoSpan(from, to) {
  var begin = aforoNumber(from);
  var end = aforoNumber(to);
  return begin === null || end === null ? null : Math.max(0, end - begin);
}

(function () {
  var settings = aforoSettings();
  var status = aforoNumber('response.status.code') || aforoNumber('error.status.code');
  var began = aforoNumber('client.received.start.timestamp');
  var event = {
    customerId: aforoText('aforo.customer') || 'unattributed',
    metricName: aforoText('aforo.metric') || 'api_calls',
    quantity: 1,
    occurredAt: began || aforoNumber('system.timestamp'),
    // Made of what Apigee gives each call, so that no header can make two calls into one.
    idempotencyKey: 'apigee:' + context.getVariable('organization.name') + ':' + context.getVariable('messageid') + ':' + context.getVariable('apiproxy.name'),
    productType: 'API',
    endpointPath: aforoText('aforo.path'),
    httpMethod: aforoText('request.verb'),
    statusCode: status,
    responseTimeMs: aforoSpan('client.received.start.timestamp', 'system.timestamp'),
    executionStatus: status !== null && status >= 400 ? 'ERROR' : 'SUCCESS',
    trace: {
      traceparent: aforoText('request.header.traceparent'),
      tracestate: aforoText('request.header.tracestate'),
      xTraceId: aforoText('request.header.x-trace-id'),
      xRequestId: aforoText('request.header.x-request-id')
    },
    metadata: {
      gateway: 'apigee',
      artifact: AFORO_VERSION,
      app: aforoText('verifyapikey.VA-Aforo-Key.app.name') || aforoText('developer.app.name'),
      plan: aforoText('aforo.plan'),
      apiProduct: aforoText('aforo.product'),
      proxy: aforoText('apiproxy.name'),
      revision: aforoText('apiproxy.revision'),
      organization: aforoText('organization.name'),
      environment: aforoText('environment.name'),
      region: aforoText('system.region.name'),
      targetMs: aforoSpan('target.sent.start.timestamp', 'target.received.end.timestamp'),
      requestBytes: aforoNumber('request.header.content-length'),
      responseBytes: aforoNumber('response.header.content-length'),
      decided: aforoText('aforo.reason')
    }
  };
  if (aforoText('aforo.lease.id')) {
    event.leaseId = aforoText('aforo.lease.id');
  } else if (aforoText('aforo.decision')) {
    event.decisionId = aforoText('aforo.decision');
  }
  if (aforoText('aforo.product') && settings.integration) {
    event.product = aforoText('aforo.product');
    event.integrationId = settings.integration;
  }
  if (aforoText('aforo.credential')) {
    event.credential = JSON.parse(context.getVariable('aforo.credential'));
  }
  context.setVariable('aforo.event', JSON.stringify({events: [event]}));
  context.setVariable('aforo.metered', 'true');

  // Only who knows the key of this artifact is told why a call passed.
  var proof = aforoSha256('verify:' + context.getVariable('private.aforo.api_key'));
  var asked = context.getVariable('request.header.x-aforo-verify');
  context.setVariable('aforo.explains', asked === proof ? 'true' : 'false');
})();

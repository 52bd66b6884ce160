// Who calls what, as Aforo is asked. ES5, after aforo-shared.js.

// A plan's API product is named aforo$<plan>$<product>.
function aforoProduct(name) {
  var parts = name.split('$');
  return parts.length > 2 && parts[0] === 'aforo' ? parts.slice(2).join('$') : name;
}

(function () {
  var settings = aforoSettings();
  var isToken = context.getVariable('aforo.oauth') === 'true';
  var verified = isToken ? context.getVariable('client_id') : context.getVariable('verifyapikey.VA-Aforo-Key.client_id');
  var opened = isToken ? context.getVariable('apiproduct.name') : context.getVariable('verifyapikey.VA-Aforo-Key.apiproduct.name');
  if (context.getVariable('oauthV2.' + (isToken ? 'OA-Aforo-Token' : 'VA-Aforo-Key') + '.failed')) {
    verified = null;
  }
  var product = null;
  var asks = true;
  if (verified) {
    product = opened ? aforoProduct(String(opened)) : null;
    asks = !settings.products || settings.products.indexOf(product) >= 0;
  } else {
    product = (settings.proxies || {})[context.getVariable('apiproxy.name')] || null;
    asks = product !== null;
  }
  var credential = {type: 'apigee_key', nativeId: verified ? aforoSha256(String(verified)) : 'not-verified'};
  if (settings.integration) {
    credential.integrationId = settings.integration;
  } else {
    credential.type = 'key_sha256';
  }
  var metric = (settings.metrics || {})[product] || 'api_calls';
  var question = {credential: credential, metric: metric, units: 1};
  if (product && settings.integration) {
    question.product = product;
  }
  var key = [credential.nativeId, context.getVariable('apiproxy.name'), product || '', metric].join('|');
  context.setVariable('aforo.leases', verified && asks && aforoWant(settings) > 1 ? 'true' : 'false');
  context.setVariable('aforo.lease.key', key);
  context.setVariable('aforo.verified', verified ? 'true' : 'false');
  context.setVariable('aforo.credential', verified ? JSON.stringify(credential) : '');
  context.setVariable('aforo.product', product || '');
  context.setVariable('aforo.metric', metric);
  context.setVariable('aforo.question', JSON.stringify(question));
  context.setVariable('aforo.asks', asks ? 'true' : 'false');
  context.setVariable('aforo.reason', asks ? 'asked' : verified ? 'not_for_sale' : 'no_key');
})();

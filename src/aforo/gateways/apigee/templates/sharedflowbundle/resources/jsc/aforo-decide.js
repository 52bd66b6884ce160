// What becomes of the call: pass, or refuse with the answer that its caller gets. ES5, after aforo-shared.js.

var AFORO_WORDS = {
  no_subscription: 'There is no active subscription for this API.',
  subscription_suspended: 'The subscription is suspended.',
  product_not_in_plan: 'The plan does not include this API.',
  feature_not_in_plan: 'The plan does not include this feature.',
  credential_revoked: 'The key has been revoked.',
  quota_exceeded: 'The quota of the plan is used up.',
  rate_limited: 'Too many calls in a short time.',
  margin_throttled: 'Calls are limited for the time being.',
  margin_blocked: 'The service is restricted for the time being.',
  spend_cap: 'The spending limit is reached.',
  unreachable: 'The service cannot be authorised at the moment.',
  not_verified: 'A valid key is needed.'
};

function aforoRefuse(status, reason, retry) {
  var words = AFORO_WORDS[reason] || 'The call is not allowed.';
  var body = {error: {code: String(reason).toUpperCase(), message: words}};
  if (reason === 'quota_exceeded' || reason === 'rate_limited') {
    body = {message: words, retryAfter: retry};
  } else if (reason === 'margin_blocked' || reason === 'margin_throttled') {
    retry = reason === 'margin_blocked' ? retry || 1800 : 60;
    var code = reason === 'margin_blocked' ? 'SERVICE_RESTRICTED_MARGIN' : 'RATE_LIMITED_MARGIN';
    body = {error: {code: code, message: words, retryAfterSeconds: retry}};
    context.setVariable('aforo.refusal.guard', reason === 'margin_blocked' ? 'blocked' : 'throttled');
    context.setVariable('aforo.refusal.level', reason === 'margin_blocked' ? 'L3' : 'L2');
  }
  context.setVariable('aforo.refusal.status', String(status));
  context.setVariable('aforo.refusal.body', JSON.stringify(body));
  context.setVariable('aforo.refusal.retry', retry ? String(retry) : '');
  context.setVariable('aforo.refuses', 'true');
}

function aforoAnswer() {
  if (String(context.getVariable('aforoAnswer.status.code')) !== '200') {
    return null;
  }
  try {
    var told = JSON.parse(context.getVariable('aforoAnswer.content'));
    return told && typeof told.allowed === 'boolean' ? told : null;
  } catch (fault) {
    return null;
  }
}

(function () {
  var settings = aforoSettings();
  var observes = settings.mode === 'observe';
  var told = aforoAnswer();
  context.setVariable('aforo.refuses', 'false');
  if (!told) {
    var status = context.getVariable('aforoAnswer.status.code');
    var isAsleep = !status || Number(status) >= 500 || Number(status) === 429;
    context.setVariable('aforo.reason', status ? 'answered_' + status : 'unreachable');
    context.setVariable('aforo.down', isAsleep && context.getVariable('aforo.rests') !== 'true' ? 'true' : 'false');
    if (settings.fail === 'closed' && !observes) {
      aforoRefuse(503, 'unreachable', 5);
    }
    return;
  }
  context.setVariable('aforo.reason', told.allowed ? 'ok' : String(told.reason));
  context.setVariable('aforo.customer', told.customerId || '');
  context.setVariable('aforo.plan', told.plan || '');
  context.setVariable('aforo.decision', told.decisionId || '');
  if (told.remaining !== null && told.remaining !== undefined) {
    context.setVariable('aforo.remaining', String(told.remaining));
  }
  var headers = told.headers || {};
  context.setVariable('aforo.warning', headers['X-RateLimit-Warning'] || '');
  context.setVariable('aforo.margin', headers['X-Margin-Guard-Warning'] || '');
  if (told.allowed || observes) {
    return;
  }
  if (context.getVariable('aforo.verified') !== 'true') {
    aforoRefuse(401, 'not_verified', 0);
  } else {
    aforoRefuse(told.status || 403, told.reason, told.retryAfterSeconds || 0);
  }
})();

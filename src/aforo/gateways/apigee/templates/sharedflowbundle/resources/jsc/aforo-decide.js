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

// The lease at hand answers as Aforo did when it gave it.
function aforoFromLease(kept, left) {
  context.setVariable('aforo.lease.id', kept.id);
  context.setVariable('aforo.reason', 'ok');
  context.setVariable('aforo.customer', kept.customer);
  context.setVariable('aforo.plan', kept.plan);
  context.setVariable('aforo.warning', kept.warning);
  context.setVariable('aforo.margin', kept.margin);
  if (kept.remaining !== null) {
    context.setVariable('aforo.remaining', String(kept.remaining + left));
  }
}

function aforoKeep(record, seconds) {
  context.setVariable('aforo.lease.keep', JSON.stringify(record));
  context.setVariable('aforo.lease.seconds', String(seconds));
}

// Units of a HARD quota are never taken in advance: nobody here could give them back. Nor is anything whose turn is
// Aforo's to know: a rate limit, a margin's throttle.
function aforoRemember(told, headers) {
  var isFree = told.allowed && told.quotaMode !== 'HARD' && (told.margin === 'NONE' || told.margin === 'L1_ALERT');
  var lease = told.lease;
  if (!lease) {
    if (isFree && !aforoKept() && told.subscriptionId) {
      aforoKeep({}, 25);
    }
    return;
  }
  context.setVariable('aforo.lease.id', lease.id);
  if (told.remaining !== null) {
    context.setVariable('aforo.remaining', String(told.remaining + lease.units - 1));
  }
  var now = Number(context.getVariable('system.timestamp'));
  var seconds = Math.min(25, Math.floor((Date.parse(lease.expiresAt) - now) / 1000) - 5);
  if (!isFree || lease.ratePerSecond !== null || lease.throttleRate < 100 || seconds < 1) {
    aforoKeep({never: true}, 25);
    return;
  }
  aforoKeep({
    id: lease.id, units: lease.units, ends: now + seconds * 1000, customer: told.customerId || '',
    plan: told.plan || '', remaining: told.remaining, warning: headers['X-RateLimit-Warning'] || '',
    margin: headers['X-Margin-Guard-Warning'] || ''
  }, seconds);
}

(function () {
  var settings = aforoSettings();
  var observes = settings.mode === 'observe';
  var told = aforoAnswer();
  context.setVariable('aforo.refuses', 'false');
  if (String(context.getVariable('ratelimit.QU-Aforo-Lease.failed')) === 'false') {
    aforoFromLease(aforoKept(), Number(context.getVariable('ratelimit.QU-Aforo-Lease.available.count')));
    return;
  }
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
  if (context.getVariable('aforo.leases') === 'true') {
    aforoRemember(told, headers);
  }
  if (told.allowed || observes) {
    return;
  }
  if (context.getVariable('aforo.verified') !== 'true') {
    aforoRefuse(401, 'not_verified', 0);
  } else {
    aforoRefuse(told.status || 403, told.reason, told.retryAfterSeconds || 0);
  }
})();

// Whether a lease of this key can answer for the call, and what to ask where it cannot. ES5, after aforo-shared.js.
// The call that took a lease has spent its first unit; the Quota policy counts the others, so it runs once a call.

(function () {
  var kept = aforoKept();
  if (!kept || kept.never) {
    return;
  }
  if (kept.id && kept.units > 1 && Number(context.getVariable('system.timestamp')) < kept.ends) {
    context.setVariable('aforo.lease.counter', kept.id + ':' + context.getVariable('apiproxy.name'));
    context.setVariable('aforo.lease.allow', String(kept.units - 1));
    context.setVariable('aforo.leased', 'true');
  }
  var question = JSON.parse(context.getVariable('aforo.question'));
  question.want = aforoWant(aforoSettings());
  question.nodeId = 'apigee:' + context.getVariable('organization.name') + ':' + context.getVariable('environment.name');
  context.setVariable('aforo.question', JSON.stringify(question));
  var path = String(context.getVariable('private.aforo.check_path'));
  context.setVariable('private.aforo.check_path', path.replace(/check$/, 'leases'));
})();

// What several of the scripts need. ES5, as all of them.

function aforoSettings() {
  try {
    return JSON.parse(context.getVariable('private.aforo.settings') || '{}') || {};
  } catch (fault) {
    return {};
  }
}

function aforoSha256(text) {
  var hash = crypto.getSHA256();
  hash.update(text);
  return hash.digest();
}

// How many units a lease is to hold; less than two takes none.
function aforoWant(settings) {
  return settings.lease_units === undefined ? 100 : Number(settings.lease_units) || 0;
}

// What is remembered of this key: a lease, or that one may (or need not) be asked for.
function aforoKept() {
  try {
    return JSON.parse(context.getVariable('aforo.lease.kept') || 'null');
  } catch (fault) {
    return null;
  }
}

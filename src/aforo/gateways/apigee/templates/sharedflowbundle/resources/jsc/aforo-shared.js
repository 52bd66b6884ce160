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

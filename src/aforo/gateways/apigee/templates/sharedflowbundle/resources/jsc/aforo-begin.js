// Before anything is asked: settings from the map, whether this call is excluded, and the key that was presented.
// ES5, after aforo-shared.js. Nothing here reads a header that names a tenant or a customer: identity comes from the verified key alone.

function aforoPresented(places) {
  var bearer = /^bearer\s+(\S+)\s*$/i;
  for (var i = 0; i < places.length; i++) {
    var place = String(places[i]);
    var name = place.substring(place.indexOf(':') + 1);
    var found = null;
    if (place === 'bearer') {
      var told = bearer.exec(context.getVariable('request.header.authorization') || '');
      found = told && told[1];
    } else if (place.indexOf('header:') === 0) {
      found = context.getVariable('request.header.' + name);
    } else if (place.indexOf('query:') === 0) {
      found = context.getVariable('request.queryparam.' + name);
    }
    if (found) {
      return String(found);
    }
  }
  return '';
}

// A path that a backend may read in two ways is not excluded, whatever it begins with.
function aforoExcluded(path, prefixes) {
  if (/\.\.|\/\/|\\|;|%(2e|2f|5c|3b)/i.test(path)) {
    return false;
  }
  for (var i = 0; i < prefixes.length; i++) {
    var prefix = String(prefixes[i]).replace(/\/+$/, '');
    if (prefix && (path === prefix || path.indexOf(prefix + '/') === 0)) {
      return true;
    }
  }
  return false;
}

function aforoPreflight() {
  return context.getVariable('request.verb') === 'OPTIONS' &&
    !!context.getVariable('request.header.origin') &&
    !!context.getVariable('request.header.access-control-request-method');
}

(function () {
  var settings = aforoSettings();
  var proxy = context.getVariable('apiproxy.name');
  var path = (context.getVariable('proxy.basepath') || '') + (context.getVariable('proxy.pathsuffix') || '');
  var address = /^(https?):\/\/([^\/?#]+)(\/[^?#]*)?$/.exec(context.getVariable('private.aforo.ingest_url') || '');
  var skipped = '';
  if (!address || !context.getVariable('private.aforo.api_key')) {
    skipped = 'not_configured';
  } else if (aforoPreflight()) {
    skipped = 'preflight';
  } else if (aforoExcluded(path, settings.excluded || [])) {
    skipped = 'excluded';
  }
  if (address) {
    var ingest = (address[3] || '/').replace(/^\//, '').replace(/\/+$/, '');
    context.setVariable('private.aforo.scheme', address[1]);
    context.setVariable('private.aforo.host', address[2]);
    context.setVariable('private.aforo.ingest_path', ingest);
    context.setVariable('private.aforo.check_path', ingest.replace(/ingest$/, 'check'));
  }
  var places = settings.key_from || ['bearer', 'header:x-api-key', 'query:apikey'];
  context.setVariable('private.aforo.presented', aforoPresented(places));
  context.setVariable('aforo.path', path);
  context.setVariable('aforo.skipped', skipped);
  context.setVariable('aforo.oauth', (settings.oauth || []).indexOf(proxy) >= 0 ? 'true' : 'false');
  context.setVariable('aforo.reason', skipped);
})();

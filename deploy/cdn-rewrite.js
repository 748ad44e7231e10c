// The addresses of the API on object storage: a CloudFront function (viewer request), or the same few lines in any
// other CDN's words. Files lie under the names that `grx publish --to s3://...` gave them; nothing else is needed.
function handler(event) {
  var request = event.request;
  var path = request.uri;
  var named = path.match(/^\/api\/sessions\/([a-z0-9-]+)\/(.+)$/);
  if (named) path = "/" + named[1] + "/api/" + named[2];
  else if (path.indexOf("/api/") === 0 && !/^\/api\/(sessions|season)(\.json)?$/.test(path)) path = "/latest" + path;
  if (path.charAt(path.length - 1) === "/") path += "index.html";
  else if (/^\/(docs|redoc)$/.test(path)) path += ".html";
  else if (/^(\/[^/]+)?\/api\//.test(path) && !/\.json$/.test(path)) path += ".json";
  request.uri = path;
  return request;
}

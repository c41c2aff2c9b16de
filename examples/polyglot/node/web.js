// A page that lists all units, and asks the length service (API, where there is one) for the rest.
const http = require("node:http");
const units = require("../gen/units.js");

const { PORT, API } = process.env;

async function answer(url) {
  if (url.pathname === "/healthz") return [200, "ok"];
  if (url.pathname === "/") {
    return [200, Object.entries(units).map(([name, metres]) => `${name}: ${metres} m`).join("\n")];
  }
  if (url.pathname === "/convert" && API) {
    const response = await fetch(`${API}/convert${url.search}`);
    const { result, error } = await response.json();
    return [response.status, String(result ?? error)];
  }
  return [404, "there is no such page"];
}

const server = http.createServer(async (request, response) => {
  let status, text;
  try {
    [status, text] = await answer(new URL(request.url, "http://localhost"));
  } catch (error) {
    [status, text] = [502, `the length service: ${error.cause ?? error}`];
  }
  if (request.url !== "/healthz") console.log(`${request.url} ${status}`);
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on ${PORT}`));
process.on("SIGTERM", () => { server.closeAllConnections(); server.close(); });

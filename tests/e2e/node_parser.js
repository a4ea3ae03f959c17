// An HTTP/1 server on Node's own parser (llhttp), as strict as it comes: answers each request with what it understood.
// Prints its port when it listens, and ends with its standard input.
"use strict";
const http = require("http");

function tell(request, response) {
  const body = [];
  request.on("data", (piece) => body.push(piece));
  request.on("end", () => {
    const fields = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) fields.push(request.rawHeaders.slice(i, i + 2));
    const trailers = [];
    for (let i = 0; i < request.rawTrailers.length; i += 2) trailers.push(request.rawTrailers.slice(i, i + 2));
    const told = {
      method: request.method,
      target: request.url,
      fields,
      trailers,
      body: Buffer.concat(body).toString("latin1"),
    };
    const text = JSON.stringify(told);
    response.writeHead(200, { "X-Told": "1", "Content-Length": Buffer.byteLength(text) });
    response.end(text);
  });
}

const server = http.createServer({ insecureHTTPParser: false, keepAliveTimeout: 60000 }, tell);
server.maxHeadersCount = 0;
server.on("checkContinue", tell); // no interim response: who asked sends its body anyway
server.on("checkExpectation", tell);
server.on("clientError", (error, socket) => {
  if (socket.writable) socket.end(`HTTP/1.1 400 Bad Request\r\nX-Code: ${error.code}\r\nConnection: close\r\n\r\n`);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();

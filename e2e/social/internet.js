// The hosts of Google and Apple on the loopback: https servers with certificates of a test CA, and a proxy that leads
// to them, and nowhere else. Who uses the proxy and trusts the CA reaches accounts.google.com here.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetch, ProxyAgent } from "undici";

// startInternet serves hosts that are added to it.
export async function startInternet() {
  const folder = mkdtempSync(join(tmpdir(), "internet-"));
  const [authority, authorityKey] = [join(folder, "ca.crt"), join(folder, "ca.key")];
  openssl(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test CA", "-days", "30",
    "-addext", "keyUsage=critical,keyCertSign", "-keyout", authorityKey, "-out", authority]);
  const ports = new Map(); // of hosts
  const servers = [];
  const proxy = createServer().on("connect", (request, socket) => {
    const [host, port] = request.url.split(":");
    if (port !== "443" || !ports.has(host)) return socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    const server = connect(ports.get(host), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      server.pipe(socket).pipe(server);
    });
    for (const end of [server, socket]) end.on("error", () => { server.destroy(); socket.destroy(); });
  });
  const url = `http://127.0.0.1:${await listen(proxy)}`;
  const dispatcher = new ProxyAgent({ uri: url, requestTls: { ca: readFileSync(authority) } });
  return {
    authority, // a file
    proxy: { HTTPS_PROXY: url, https_proxy: url, NO_PROXY: "", no_proxy: "" }, // variables
    fetch: (address, options) => fetch(address, { ...options, dispatcher }),
    // add serves a host.
    async add(host, handler) {
      const [key, cert] = [join(folder, `${host}.key`), join(folder, `${host}.crt`)];
      openssl(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${host}`, "-days", "30",
        "-addext", "basicConstraints=critical,CA:FALSE", "-addext", `subjectAltName=DNS:${host}`,
        "-CA", authority, "-CAkey", authorityKey, "-keyout", key, "-out", cert]);
      const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, handler);
      ports.set(host, await listen(server));
      servers.push(server);
    },
    async stop() {
      await dispatcher.destroy();
      for (const server of [proxy, ...servers]) {
        server.closeAllConnections();
        server.close();
      }
      rmSync(folder, { recursive: true });
    },
  };
}

const openssl = (options) => execFileSync("openssl", options, { stdio: "ignore" });

async function listen(server) {
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return server.address().port;
}

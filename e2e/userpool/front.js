// A front of cognito-local that knows GetTokensFromRefreshToken, by which Amplify v6 gets fresh tokens: cognito-local
// 5.3.0 has only the older way to them, InitiateAuth by REFRESH_TOKEN_AUTH. All else goes through as it is.
import { createServer } from "node:http";

const newer = "AWSCognitoIdentityProviderService.GetTokensFromRefreshToken";
const older = "AWSCognitoIdentityProviderService.InitiateAuth";

// startFront serves at endpoint. refreshed counts the fresh tokens that were asked for.
export async function startFront(behind) {
  const front = { refreshed: 0 };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    let [body, target] = [Buffer.concat(chunks).toString(), request.headers["x-amz-target"]];
    if (target === newer) {
      const { ClientId, RefreshToken } = JSON.parse(body);
      const AuthParameters = { REFRESH_TOKEN: RefreshToken };
      body = JSON.stringify({ ClientId, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters });
      target = older;
      front.refreshed++;
    }
    const headers = { "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target };
    const answer = await fetch(behind, { method: request.method, body, headers });
    response.writeHead(answer.status, { "Content-Type": answer.headers.get("content-type") });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  front.endpoint = `http://127.0.0.1:${server.address().port}`;
  front.stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return front;
}

// npm install openid-client jose
import { readFileSync } from 'node:fs';
import * as jose from 'jose';
import * as client from 'openid-client';

const issuer = new URL(ISSUER);
const insecure = issuer.protocol === 'http:' ? { execute: [client.allowInsecureRequests] } : {};   // only for a loopback issuer
const key = await jose.importPKCS8(readFileSync('key.pem', 'utf8'), 'ES256');   // the algorithm of your key
const config = await client.discovery(issuer, CLIENT_ID, undefined, client.PrivateKeyJwt(key), insecure);
const tokens = await client.clientCredentialsGrant(config, { scope: SCOPE });

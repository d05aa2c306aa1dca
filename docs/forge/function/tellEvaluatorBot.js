// src/tellEvaluatorBot.js: tells Evaluator Bot that this app was installed or removed. It sends the app's key, what
// happened, when, and the id of the cloud site; nothing about people.
//
// Set once for each environment:
//   forge variables set --encrypt SIGNALS_SECRET <the SIGNALS_SECRET of the bot>
//   forge variables set SIGNALS_URL https://bot.your-company.example/signals
//   forge variables set APP_KEY <the app's key in the licenses report>
import { createHmac, randomUUID } from 'node:crypto';
import { fetch } from '@forge/api';

const KINDS = {
  'avi:forge:installed:app': 'installed',
  'avi:forge:uninstalled:app': 'uninstalled',
};

export async function run(event) {
  const type = KINDS[event.eventType];
  const cloudId = /::site\/([\w-]+)$/.exec(event.context ?? '')?.[1];
  if (!type || !cloudId) return;

  const body = JSON.stringify({
    type,
    app: process.env.APP_KEY,
    at: new Date().toISOString(),
    cloud_id: cloudId,
  });
  const id = `msg_${randomUUID()}`;
  const at = Math.floor(Date.now() / 1000);
  const answer = await fetch(process.env.SIGNALS_URL, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(at),
      'webhook-signature': sign(process.env.SIGNALS_SECRET, id, at, body),
    },
    body,
  });
  if (!answer.ok) throw new Error(`Evaluator Bot answered ${answer.status}`); // Forge's log then shows it
}

// https://www.standardwebhooks.com
function sign(secret, id, at, body) {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`;
}

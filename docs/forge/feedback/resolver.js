// Passes what the window in your Custom UI sends on to Evaluator Bot, and the answers back.
// Forge adds a token to each request, from which the bot knows the app and the site.
import Resolver from '@forge/resolver';
import { invokeRemote } from '@forge/api';

const resolver = new Resolver();

resolver.define('feedback', async ({ payload }) => {
  const { method, path, body } = payload;
  const isPost = method === 'POST' && path === '';
  if (!isPost && !(method === 'GET' && /^\/conversations\/[A-Za-z0-9_-]+$/.test(path))) {
    return { status: 400, json: {} };
  }
  const answer = await invokeRemote('evaluator-bot', {
    method,
    path: isPost ? '/feedback/forge' : `/feedback${path}`,
    headers: { 'content-type': 'application/json' },
    body: isPost ? JSON.stringify(body) : undefined,
  });
  const text = await answer.text();
  return { status: answer.status, json: answer.ok && text ? JSON.parse(text) : {} };
});

export const handler = resolver.getDefinitions();

// A receiver of webhooks that answers what it is told to: 204 where nothing is. Each kind of event is a line of its own.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

export async function startReceiver() {
  const lines = new Map();
  const lineOf = (type) => lines.get(type) ?? lines.set(type, { answers: [], arrived: [], waiting: [] }).get(type);
  const server = createServer(async (request, response) => {
    const event = JSON.parse(await text(request));
    const { answers, arrived, waiting } = lineOf(event.type);
    response.writeHead(answers.shift() ?? 204).end();
    if (waiting.length > 0) waiting.shift()(event);
    else arrived.push(event);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `http://127.0.0.1:${server.address().port}/hook`,
    /** The next event of this kind is answered so. */
    answer: (type, status) => lineOf(type).answers.push(status),
    /** The event of this kind that arrived next, or arrives. */
    next: (type) => {
      const { arrived, waiting } = lineOf(type);
      return arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve));
    },
    stop: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

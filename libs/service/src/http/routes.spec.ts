import { RouteTable } from './routes.js';

const table = new RouteTable();
table.add('/orders', ['GET', 'HEAD']);
table.add('/orders', ['POST']);
table.add('/orders/:orderId', ['GET']);
table.add('/carts/:customerId/items/:productId', ['PUT', 'DELETE']);
table.add('/docs/*', ['GET']);
table.add('/a.b', ['GET']);

it.each([
  ['/orders', ['GET', 'HEAD', 'POST']],
  ['/orders/1', ['GET']],
  ['/orders/', []],
  ['/orders/1/2', []],
  ['/carts/ana/items/cafe', ['DELETE', 'PUT']],
  ['/docs/swagger-ui.css', ['GET']],
  ['/axb', []],
])('%s allows %j', (path, methods) => {
  expect(table.methodsOf(path)).toEqual(methods);
});

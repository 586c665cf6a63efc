import { Client, type ClientConfig } from 'pg';

/*
 * The monolith's database. It is on EcoMarket's primary, so it has the same settings and durability. Its tables are as
 * small as possible for the same promise: no outcome, no ledger, no events.
 */
const schema = `
CREATE TABLE product (
  product_id  text PRIMARY KEY,
  price_cents bigint NOT NULL,
  on_hand     bigint NOT NULL,
  reserved    bigint NOT NULL DEFAULT 0,
  CHECK (0 <= reserved AND reserved <= on_hand)
) WITH (fillfactor = 50);

CREATE TABLE orders (
  order_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id text NOT NULL,
  placed_at   timestamptz NOT NULL DEFAULT now(),
  total_cents bigint NOT NULL
);
CREATE INDEX orders_of_customer ON orders (customer_id, placed_at, order_id);

CREATE TABLE order_line (
  order_id         bigint NOT NULL,
  product_id       text NOT NULL,
  quantity         integer NOT NULL,
  unit_price_cents bigint NOT NULL,
  PRIMARY KEY (order_id, product_id)
);
`;

const NAME = 'monolith';

export interface MonolithLogin {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface StockedProduct {
  readonly productId: string;
  readonly priceCents: number;
  readonly stock: number;
}

export class MonolithDatabase {
  readonly #client: Client;

  private constructor(
    readonly login: MonolithLogin,
    client: Client,
  ) {
    this.#client = client;
  }

  /** Creates the database on a server that has none. */
  static async create(
    superuser: Omit<MonolithLogin, 'database'>,
    products: readonly StockedProduct[],
  ): Promise<MonolithDatabase> {
    const admin = await connect({ ...superuser, database: 'postgres' });
    try {
      await admin.query(`CREATE DATABASE ${NAME}`);
    } finally {
      await admin.end();
    }
    // The superuser is needed, because other roles may connect to EcoMarket's database only.
    const login = { ...superuser, database: NAME };
    const client = await connect(login);
    await client.query(schema);
    await client.query(
      `INSERT INTO product (product_id, price_cents, on_hand) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])`,
      [
        products.map((each) => each.productId),
        products.map((each) => each.priceCents),
        products.map((each) => each.stock),
      ],
    );
    // Statements are prepared only now, because the planner would keep a plan made for empty tables.
    await client.query('VACUUM ANALYZE');
    return new MonolithDatabase(login, client);
  }

  /** Number of the last order; 0: none yet. */
  async lastOrder(): Promise<number> {
    const { rows } = await this.#client.query<{ last: string }>(
      'SELECT coalesce(max(order_id), 0) AS last FROM orders',
    );
    return Number(rows[0]?.last);
  }

  async ordersAfter(orderId: number): Promise<number> {
    const { rows } = await this.#client.query<{ orders: string }>(
      'SELECT count(*) AS orders FROM orders WHERE order_id > $1',
      [orderId],
    );
    return Number(rows[0]?.orders);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

async function connect(config: ClientConfig): Promise<Client> {
  const client = new Client(config);
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

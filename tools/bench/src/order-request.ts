/** The body of POST /orders as JSON Schema, as strict as Central is. */
export const orderRequestSchema = {
  type: 'object',
  required: ['customerId', 'lines'],
  additionalProperties: false,
  properties: {
    customerId: { type: 'string', minLength: 1, maxLength: 128 },
    lines: {
      type: 'array',
      minItems: 1,
      maxItems: 200,
      items: {
        type: 'object',
        required: ['productId', 'quantity'],
        additionalProperties: false,
        properties: {
          productId: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' },
          quantity: { type: 'integer', minimum: 1, maximum: 10_000 },
        },
      },
    },
  },
} as const;

export interface OrderRequest {
  customerId: string;
  lines: { productId: string; quantity: number }[];
}

/** Checks an order and works out its price. */

interface Order {
  id: string;
  items?: { sku: string; quantity: number; unitPrice: number }[];
}

interface Confirmation {
  orderId: string;
  total: number;
  currency: string;
}

export async function handler(order: Order): Promise<Confirmation> {
  if (!order.id) throw new TypeError('an order needs an id');
  const items = order.items ?? [];
  const cents = items.reduce((sum, item) => sum + Math.round(item.unitPrice * 100) * item.quantity, 0);
  console.log(`order ${order.id}: ${items.length} items`);
  return { orderId: order.id, total: cents / 100, currency: process.env.CURRENCY ?? 'EUR' };
}

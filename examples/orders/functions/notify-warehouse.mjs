/** Books a parcel at the warehouse. Nothing listens at its address, so every attempt fails. */

class WarehouseUnreachable extends Error {
  name = 'WarehouseUnreachable';
}

export async function handler(order) {
  const url = process.env.WAREHOUSE_URL;
  let response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ orderId: order.id }),
      signal: AbortSignal.timeout(3000),
    });
  } catch (cause) {
    throw new WarehouseUnreachable(`no answer from ${url}`, { cause });
  }
  if (!response.ok) throw new WarehouseUnreachable(`${url} answered ${response.status}`);
  return { orderId: order.id, booked: true };
}

/** A text as the value it holds, parsed when first asked for; `undefined` when it is no JSON. */
export function parseLazily(text: string): () => unknown {
  let parsed: { readonly value: unknown } | undefined;
  return () => {
    parsed ??= { value: parse(text) };
    return parsed.value;
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The nonce of this page's content-security policy: styles that scripts add must carry it. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? '';

// Read by the libraries that add styles of their own.
Object.assign(globalThis, { __webpack_nonce__: nonce });

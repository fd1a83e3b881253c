// Whether the API of this container answers. 0: it does; 1: it does not.
const response = await fetch(`http://127.0.0.1:${process.env.PORT || 8000}/healthz`).catch(() => undefined);
process.exit(response?.ok ? 0 : 1);

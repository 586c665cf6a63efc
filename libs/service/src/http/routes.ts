/** Knows every route, to distinguish a path that does not allow a method from one that does not exist. */
export class RouteTable {
  readonly #routes: { readonly pattern: RegExp; readonly methods: Set<string> }[] = [];
  readonly #byUrl = new Map<string, Set<string>>();

  /** `url` as given to the router, such as `/orders/:orderId`. */
  add(url: string, methods: readonly string[]): void {
    let known = this.#byUrl.get(url);
    if (known === undefined) {
      known = new Set();
      this.#byUrl.set(url, known);
      this.#routes.push({ pattern: patternOf(url), methods: known });
    }
    for (const method of methods) known.add(method);
  }

  /** Methods that this path allows, in alphabetical order. Empty: there is no such path. */
  methodsOf(path: string): string[] {
    const methods = this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => [...route.methods]);
    return [...new Set(methods)].sort();
  }
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+';
    if (part === '*') return '.*';
    return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}

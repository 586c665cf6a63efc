import { headerDocuments } from '@eco/contracts';
import addFormats, { type FormatsPlugin } from 'ajv-formats';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';

/** Checks answers against the API document of the process that gave them. */

type Json = Readonly<Record<string, unknown>>;

interface HeaderObject {
  readonly required?: boolean;
  readonly schema: { readonly type?: string };
}
interface ResponseObject {
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, { readonly schema: unknown }>>;
}
export interface OperationObject {
  readonly operationId: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly example?: unknown;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, ResponseObject>>;
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: {
    readonly headers: Readonly<Record<string, HeaderObject>>;
    readonly schemas: Readonly<Record<string, unknown>>;
  };
}

/** What a client received. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

const DOCUMENT_ID = 'document';

export class ApiDocument {
  readonly #paths: readonly { readonly template: string; readonly pattern: RegExp }[];
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, logger: false });

  constructor(readonly openApi: OpenApi) {
    (addFormats.default as FormatsPlugin)(this.#ajv);
    this.#ajv.addSchema(closed(openApi) as Json, DOCUMENT_ID);
    // A fixed part of a path is nearer than a parameter: /sales/stats is not the sale "stats".
    const templates = Object.keys(openApi.paths).sort((a, b) => parametersIn(a) - parametersIn(b));
    this.#paths = templates.map((template) => ({ template, pattern: patternOf(template) }));
  }

  /** Reads the document of a process from its listener for operators. */
  static async readFrom(operatorsUrl: string): Promise<ApiDocument> {
    const response = await fetch(`${operatorsUrl}/docs-json`);
    return new ApiDocument((await response.json()) as OpenApi);
  }

  /** Everything in the answer that the document does not say. Empty also if the document has no such operation. */
  violationsOf(method: string, path: string, answer: Answer): string[] {
    const pathname = path.split('?', 1)[0] ?? '';
    const template = this.#paths.find(({ pattern }) => pattern.test(pathname))?.template;
    const operation = template === undefined ? undefined : this.openApi.paths[template]?.[method.toLowerCase()];
    if (template === undefined || operation === undefined) return [];
    const response = operation.responses[answer.status];
    if (response === undefined) return [`the status ${answer.status} is not documented: ${answer.text.slice(0, 300)}`];
    const place = ['paths', template, method.toLowerCase(), 'responses', String(answer.status)];
    return [...this.#headerViolations(response, answer), ...this.#bodyViolations(response, place, answer)];
  }

  #headerViolations({ headers = {} }: ResponseObject, answer: Answer): string[] {
    const faults = Object.keys(headerDocuments)
      .filter((name) => answer.headers.has(name) && headers[name] === undefined)
      .map((name) => `the header ${name} is not documented for ${answer.status}`);
    for (const name of Object.keys(headers)) {
      const { required, schema } = this.openApi.components.headers[name] as HeaderObject;
      const text = answer.headers.get(name);
      if (text === null) {
        if (required === true) faults.push(`the header ${name} is missing in ${answer.status}`);
        continue;
      }
      const value = schema.type === 'integer' ? Number(text) : text;
      faults.push(...this.#violations(['components', 'headers', name, 'schema'], value, `the header ${name}`));
    }
    return faults;
  }

  #bodyViolations({ content = {} }: ResponseObject, place: readonly string[], answer: Answer): string[] {
    const type = answer.headers.get('content-type')?.split(';', 1)[0];
    if (answer.text === '') return Object.keys(content).length === 0 ? [] : [`${answer.status} has no body`];
    if (type === undefined || content[type] === undefined) {
      return [`${answer.status} is ${type ?? 'of no media type'}, which is not documented`];
    }
    return this.#violations([...place, 'content', type, 'schema'], answer.body ?? answer.text, 'the body');
  }

  #violations(place: readonly string[], value: unknown, what: string): string[] {
    const pointer = place.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    let validate = this.#validators.get(pointer);
    if (validate === undefined) {
      validate = this.#ajv.compile({ $ref: `${DOCUMENT_ID}#/${pointer}` });
      this.#validators.set(pointer, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }: ErrorObject) =>
        `${what} ${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }
}

/** Objects that a client leaves open for newer fields are closed here: this version documents all that it sends. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const json = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)]));
  const isOpen = json['type'] === 'object' && json['properties'] !== undefined && !('additionalProperties' in json);
  return isOpen ? { ...json, additionalProperties: false } : json;
}

function parametersIn(template: string): number {
  return template.split('{').length - 1;
}

function patternOf(template: string): RegExp {
  const parts = template.split('/').map((part) => (part.startsWith('{') ? '[^/]+' : part.replaceAll('.', '\\.')));
  return new RegExp(`^${parts.join('/')}$`);
}

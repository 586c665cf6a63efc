import { applyDecorators, HttpCode } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension } from '@nestjs/swagger';
import type { OperationDeclaration } from '../http/operation.js';

/** The member of a listed operation that leads to its declaration. */
const DECLARATION_EXTENSION = 'x-declaration';

/** Nest copies what is in an extension, and a copy of a schema is none. So the extension has an index into this list. */
const declarations: OperationDeclaration[] = [];

/** Declares a controller's method as the operation, and sets the status of a plain returned value. */
export function Operation(declaration: OperationDeclaration): MethodDecorator {
  const [status = 200] = Object.keys(declaration.answers).map(Number);
  const index = declarations.push(declaration) - 1;
  return applyDecorators(
    RouteConfig({ access: declaration.access }),
    HttpCode(status),
    ApiExtension(DECLARATION_EXTENSION, { index }),
  );
}

export interface ListedOperation {
  readonly tags?: string[];
  readonly [DECLARATION_EXTENSION]?: { readonly index: number };
}

/** Undefined: the method is not declared as an operation, so only its path is known. */
export function declarationOf({
  [DECLARATION_EXTENSION]: declared,
}: ListedOperation): OperationDeclaration | undefined {
  return declared && declarations[declared.index];
}

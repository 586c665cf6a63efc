import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { Type, DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { baseUrl, StartError, trustAuthority } from '@eco/base';
import type { TlsFile } from './config/tls.js';
import { headers } from '@eco/contracts';
import { addApiDocument, addDocumentRoutes, type Documents } from './documents.js';
import { Health } from './health.js';
import { addAuthentication, addAuthorization, principalOf, type Authorization } from './http/authorization.js';
import { addBudgets, BUDGETS_DEFAULT, type Budgets } from './http/budgets.js';
import { followCertificate } from './http/listener-tls.js';
import { clientCorrelationIdOf, ServiceAdapter, type ConnectionLimits } from './http/adapter.js';
import { createLog, NestLog, withCorrelation } from './log.js';
import { CONNECTIONS_MAX_DEFAULT, type LogLevel } from './config/settings.js';
import { Metrics } from './metrics.js';
import { addTracing } from './tracing/trace-requests.js';
import { Tracing, type TracingConfig } from './tracing/tracing.js';
import { addOperatorRoutes } from './operator-routes.js';
import { OperatorsListener } from './operators-listener.js';

/**
 * Time for running requests when the process stops, ms. After it their connections are cut. The parts that are closed
 * next have the rest of the five seconds.
 */
const DRAIN_MS = 2_000;

const HOST = '127.0.0.1';

export interface ServiceConfig extends Partial<ConnectionLimits>, Partial<Budgets>, TracingConfig {
  readonly name: string;
  /** Address of the listener for clients. Absent: 127.0.0.1. */
  readonly host?: string;
  /** 0: any free port. Absent: the process has no API, and no listener for clients. */
  readonly port?: number;
  /** Address of the listener for operators. Absent: 127.0.0.1. */
  readonly operatorsHost?: string;
  /** Port of the listener for operators. 0 or absent: any free port. */
  readonly operatorsPort?: number;
  readonly logLevel: LogLevel;
  /** With `tls`, the listeners speak TLS only. */
  readonly secrets?: { readonly tls?: TlsFile | undefined };
}

/** The base of every service. Its parts are passed to the code that needs them. */
export interface Frame {
  readonly config: ServiceConfig;
  readonly log: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Records spans once the service has started. */
  readonly tracing: Tracing;
  /** Aborted when the process begins to stop. Waiting code should then respond with the data that it has. */
  readonly stopping: AbortSignal;
  /** Aborts `stopping`. */
  beginStop(): void;
}

export function createFrame(config: ServiceConfig, log: Logger = createLog(config)): Frame {
  const stopping = new AbortController();
  trustAuthority(config.secrets?.tls?.authority);
  const health = new Health();
  const tracing = new Tracing(config, log);
  if (config.traceEndpoint !== undefined) health.fact('tracing', () => tracing.state ?? 'not open yet');
  return {
    config,
    log,
    health,
    metrics: new Metrics(),
    tracing,
    stopping: stopping.signal,
    beginStop: () => stopping.abort(),
  };
}

export interface ServiceOptions extends Documents {
  readonly module: Type | DynamicModule;
  /** Absent: the service has no operations, only open routes. */
  readonly authorization?: Authorization;
  /** Parts that are closed in this order, after the last request was answered. */
  readonly close?: readonly (() => Promise<void>)[];
}

export interface Service {
  /** `http://host:port` of the listener for clients. Without an API it is the same as `operatorsUrl`. */
  readonly url: string;
  readonly port: number;
  /** URL of the listener with metrics, details of readiness and documents. */
  readonly operatorsUrl: string;
  readonly app: NestFastifyApplication;
  /** Not ready → accept nothing new → finish running requests → close. It may be called any number of times. */
  stop(): Promise<void>;
}

/**
 * Starts the process's listeners. Throws a `StartError` if a port is not available; everything opened is closed again.
 */
export async function startService(frame: Frame, options: ServiceOptions): Promise<Service> {
  const { config, log } = frame;
  const { hosts = [], connectionsMax = CONNECTIONS_MAX_DEFAULT, trustedProxies = [] } = config;
  const tls = config.secrets?.tls;
  const adapter = new ServiceAdapter(log, { hosts, connectionsMax, trustedProxies, tls });
  const fastify = adapter.getInstance();
  const operators = new OperatorsListener(fastify, tls);
  fastify.addHook('preHandler', (request, _reply, done) => withCorrelation(request.id, done));
  // One line per request has fixed fields. A search of it for secrets would take 11 µs, the line itself takes 2.
  const requestLog = log.child({}, { redact: [] });
  fastify.addHook('onResponse', (request, reply, done) => {
    recordRequest(frame.metrics, requestLog, request, reply);
    done();
  });
  addTracing(fastify, frame.tracing);
  addAuthentication(fastify, options.authorization);
  fastify.server.on('drop', () => frame.metrics.refusedConnections.inc());
  addOperatorRoutes(fastify, frame);
  addDocumentRoutes(fastify, config.name, options);
  addBudgets(fastify, { ...BUDGETS_DEFAULT, ...config }, (budget) => frame.metrics.budgetsExceeded.inc({ budget }));
  addAuthorization(fastify, options.authorization);
  const app = await NestFactory.create<NestFastifyApplication>(options.module, adapter, {
    logger: new NestLog(log),
    abortOnError: false,
  });
  app.useGlobalFilters(adapter);
  if (tls) {
    followCertificate(tls, [fastify.server as unknown as TlsServer, operators.server as unknown as TlsServer], frame);
  }
  if (options.api !== undefined) addApiDocument(app, fastify, options.api, config.port ?? 0);

  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      frame.beginStop();
      const cut = setTimeout(() => fastify.server.closeAllConnections(), DRAIN_MS);
      await app.close();
      clearTimeout(cut);
      await operators.close();
      for (const close of options.close ?? []) await close();
      await frame.tracing.close();
    })();
    return stopped;
  };

  const { host = HOST, port, operatorsHost = HOST, operatorsPort = 0 } = config;
  try {
    await frame.tracing.open();
    await app.init();
    await fastify.ready();
    const opened = await opening('ECO_OPERATORS_HOST', 'ECO_OPERATORS_PORT', operatorsHost, operatorsPort, () =>
      operators.listen(operatorsHost, operatorsPort),
    );
    const authority = tls?.authority;
    const operatorsUrl = baseUrl({ host: operatorsHost, port: opened, authority });
    if (port === undefined) {
      log.info({ operatorsUrl }, 'listening');
      return { url: operatorsUrl, port: opened, operatorsUrl, app, stop };
    }
    await opening('ECO_HOST', 'ECO_PORT', host, port, () => app.listen({ host, port }));
    const { port: clientPort } = fastify.server.address() as AddressInfo;
    const url = baseUrl({ host, port: clientPort, authority });
    log.info({ url, operatorsUrl }, 'listening');
    return { url, port: clientPort, operatorsUrl, app, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Throws a `StartError` that names the settings if the port is not available. */
async function opening<T>(
  hostSetting: string,
  portSetting: string,
  host: string,
  port: number,
  listen: () => Promise<T>,
): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new StartError(`port ${port} of ${host} is taken: stop its holder, or set ${portSetting}`);
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new StartError(`can't listen on ${host}:${port} (${code}): set ${hostSetting} and ${portSetting}`);
    }
    throw error;
  }
}

function recordRequest(metrics: Metrics, log: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const { method, url } = request;
  const route = request.routeOptions.url ?? 'unknown';
  metrics.observeRequest(method, route, reply.statusCode, reply.elapsedTime / 1000);
  // Monitoring requests these routes of every process every few seconds.
  const level = route === '/metrics' || route.startsWith('/health/') ? 'debug' : 'info';
  log[level](
    {
      correlationId: request.id,
      clientCorrelationId: clientCorrelationIdOf(request.raw),
      traceId: request.trace?.traceId,
      method,
      url,
      principal: principalOf(request)?.id,
      status: reply.statusCode,
      // The control that refused it: input, access, origin, host or a budget.
      problem: request.problem,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      // The id of the object that the request created, such as an order. With it the correlation id can be found.
      location: reply.getHeader('location'),
      // `local`: a journal has the command, and no broker yet.
      durability: reply.getHeader(headers.durability),
    },
    'request',
  );
}

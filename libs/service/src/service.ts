import 'reflect-metadata';
import type { Type, DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { StartError } from '@eco/base';
import { addApiDocument, addDocumentRoutes, type Documents } from './documents.js';
import { Health } from './health.js';
import { ServiceAdapter } from './http/adapter.js';
import { createLog, NestLog, withCorrelation } from './log.js';
import type { LogLevel } from './config/settings.js';
import { Metrics } from './metrics.js';
import { addOperatorRoutes } from './operator-routes.js';

/**
 * Time for running requests when the process stops, ms. After it their connections are cut. The parts that are closed
 * next have the rest of the five seconds.
 */
const DRAIN_MS = 2_000;

export interface ServiceConfig {
  readonly name: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly logLevel: LogLevel;
}

/** The base of every service. Its parts are passed to the code that needs them. */
export interface Frame {
  readonly config: ServiceConfig;
  readonly log: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Aborted when the process begins to stop: code that waits for something should then respond with what it has. */
  readonly stopping: AbortSignal;
  /** Aborts `stopping`. */
  beginStop(): void;
}

export function createFrame(config: ServiceConfig, log: Logger = createLog(config)): Frame {
  const stopping = new AbortController();
  return {
    config,
    log,
    health: new Health(),
    metrics: new Metrics(),
    stopping: stopping.signal,
    beginStop: () => stopping.abort(),
  };
}

export interface ServiceOptions extends Documents {
  readonly module: Type | DynamicModule;
  /** Closed in this order, after the last request was answered. */
  readonly close?: readonly (() => Promise<void>)[];
}

export interface Service {
  /** `http://host:port` as it really listens. */
  readonly url: string;
  readonly port: number;
  readonly app: NestFastifyApplication;
  /** Not ready → accept nothing new → finish running requests → close. It may be called any number of times. */
  stop(): Promise<void>;
}

/**
 * Starts the process's HTTP server. Throws a `StartError` if the port is not available; everything opened is closed
 * again.
 */
export async function startService(frame: Frame, options: ServiceOptions): Promise<Service> {
  const { config, log } = frame;
  const adapter = new ServiceAdapter(log);
  const fastify = adapter.getInstance();
  fastify.addHook('preHandler', (request, _reply, done) => withCorrelation(request.id, done));
  // One line per request has fixed fields. A search of it for secrets would take 11 µs, the line itself takes 2.
  const requestLog = log.child({}, { redact: [] });
  fastify.addHook('onResponse', (request, reply, done) => {
    recordRequest(frame.metrics, requestLog, request, reply);
    done();
  });
  addOperatorRoutes(fastify, frame);
  addDocumentRoutes(fastify, config.name, options);
  const app = await NestFactory.create<NestFastifyApplication>(options.module, adapter, {
    logger: new NestLog(log),
    abortOnError: false,
  });
  app.useGlobalFilters(adapter);
  if (options.api !== undefined) addApiDocument(app, options.api);

  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      frame.beginStop();
      const cut = setTimeout(() => fastify.server.closeAllConnections(), DRAIN_MS);
      await app.close();
      clearTimeout(cut);
      for (const close of options.close ?? []) await close();
    })();
    return stopped;
  };

  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await stop();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new StartError(`port ${config.port} of ${config.host} is taken: stop its holder, or set ECO_PORT`);
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new StartError(`can't listen on ${config.host}:${config.port} (${code}): set ECO_HOST and ECO_PORT`);
    }
    throw error;
  }
  const url = await app.getUrl();
  const port = Number(new URL(url).port);
  log.info({ url }, 'listening');
  return { url, port, app, stop };
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
      method,
      url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      // The id of what the request created, such as an order. With it the correlation id can be found.
      location: reply.getHeader('location'),
    },
    'request',
  );
}

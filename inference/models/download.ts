import { mkdir, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ModelError } from './errors.ts'
import { withFileLock } from './file-lock.ts'
import {
  contentLength,
  displayUrl,
  followRedirects,
  parseContentRange,
  retryAfterMs,
  validatorOf,
} from './http.ts'
import type { HashOptions } from './identity.ts'
import { PartialFile, type PartialState } from './partial-file.ts'
import { SpeedMeter } from './speed-meter.ts'

export interface DownloadProgress {
  /** `waiting`: somebody else downloads the same file; `verifying`: its digest is computed. */
  phase: 'waiting' | 'downloading' | 'verifying'
  /** Bytes that are there, or were read again for verifying. */
  bytes: number
  /** Null while the server has not said. */
  totalBytes: number | null
  /** Over the last seconds. */
  bytesPerSecond: number
}

export interface DownloadRequest {
  url: string
  /** Where the finished file goes. */
  target: string
  /** 64 hex digits the file must have. */
  sha256: string | null
  /** Sent to the origin of `url` alone. */
  token: string | null
}

export interface DownloadOptions {
  signal?: AbortSignal
  onProgress?: (progress: DownloadProgress) => void
}

export interface DownloaderOptions {
  /** A connection over which nothing comes for so long is given up. */
  stallTimeoutMs?: number
}

export interface DownloaderModules {
  fetch: typeof globalThis.fetch
  /** Monotonic clock. */
  nowMs: () => number
  /** Bytes free in the file system of a folder. */
  freeBytes: (folder: string) => Promise<number>
  /** Resolves after a time, or rejects when the signal aborts. */
  wait: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>
  /** SHA-256 of a file. */
  digest: (path: string, options: HashOptions) => Promise<string>
  /** Throws unless the finished file is of use. */
  check: (path: string) => Promise<unknown>
}

/** The parts of `DownloaderModules` that reach outside, as they are in a running program. */
export const systemModules: Omit<DownloaderModules, 'digest' | 'check'> = {
  // Named only when it is called: the first use loads a large part of Node.
  fetch: (input, init) => globalThis.fetch(input, init),
  nowMs: () => performance.now(),
  async freeBytes(folder) {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  },
  async wait(delayMs, signal) {
    await delay(delayMs, undefined, signal === undefined ? {} : { signal })
  },
}

/** Attempts in a row that bring nothing. */
const MAX_FRUITLESS_ATTEMPTS = 6
const MAX_ATTEMPTS = 100
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000
const DEFAULT_STALL_TIMEOUT_MS = 30_000
const PROGRESS_INTERVAL_MS = 100
/** Left free on the disk beside the file. */
const DISK_MARGIN_BYTES = 67_108_864
const RETRIED_STATUS = new Set([408, 425, 429, 500, 502, 503, 504])
const GGUF_MAGIC = Buffer.from('GGUF')

/** An attempt failed in a way that another may not. */
class AttemptError extends Error {
  readonly retryAfterMs: number | null

  constructor(message: string, options: { retryAfterMs?: number | null; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}

/** One file on its way. */
interface Transfer {
  request: DownloadRequest
  partial: PartialFile
  state: PartialState | null
  /** The digest that was asked for, else the one the server promises. */
  sha256: string | null
  signal: AbortSignal | undefined
  report: (phase: DownloadProgress['phase'], bytes: number, isLast?: boolean) => void
}

/**
 * Downloads model files. A dropped connection, and a process that was ended, cost only what was under
 * way: the next attempt goes on from there when the server's file is still the same, and begins anew
 * when it is not. The file appears under its name in one step, complete and verified.
 */
export class Downloader {
  readonly #stallTimeoutMs: number
  readonly #modules: DownloaderModules

  constructor(options: DownloaderOptions, modules: DownloaderModules) {
    this.#stallTimeoutMs = options.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS
    this.#modules = modules
  }

  /**
   * Makes `request.target` exist. When it does already, nothing is done.
   * @returns the digest it was verified to have; null when nothing said which it should have
   * @throws {ModelError} MODEL_NOT_FOUND, MODEL_INVALID, MODEL_DIGEST_MISMATCH, DOWNLOAD_REFUSED,
   * DOWNLOAD_FAILED, DISK_FULL, CANCELLED
   */
  async download(request: DownloadRequest, options: DownloadOptions = {}): Promise<string | null> {
    const { signal } = options
    try {
      await mkdir(dirname(request.target), { recursive: true })
      const waiting = { phase: 'waiting', bytes: 0, totalBytes: null, bytesPerSecond: 0 } as const
      const lock = {
        path: `${request.target}.lock`,
        onWait: () => options.onProgress?.(waiting),
        ...(signal === undefined ? {} : { signal }),
      }
      return await withFileLock(lock, () => this.#transfer(request, options))
    } catch (error) {
      throw finalError(error, request, signal)
    }
  }

  async #transfer(request: DownloadRequest, options: DownloadOptions): Promise<string | null> {
    if (await exists(request.target)) return null
    const partial = new PartialFile({ target: request.target })
    const transfer: Transfer = {
      request,
      partial,
      state: await partial.open(),
      sha256: request.sha256,
      signal: options.signal,
      report: () => {},
    }
    transfer.report = this.#reporter(transfer, options)
    try {
      await this.#fetchAll(transfer)
      await this.#verify(transfer)
      await partial.finish()
      return transfer.sha256
    } finally {
      await partial.close()
    }
  }

  async #fetchAll(transfer: Transfer): Promise<void> {
    const { partial, signal } = transfer
    let fruitless = 0
    for (let attempt = 1; ; attempt++) {
      const before = partial.bytes
      try {
        await this.#attempt(transfer)
        transfer.report('downloading', partial.bytes, true)
        return
      } catch (error) {
        signal?.throwIfAborted()
        if (!isTransient(error)) throw error
        fruitless = partial.bytes > before ? 1 : fruitless + 1
        if (fruitless >= MAX_FRUITLESS_ATTEMPTS || attempt >= MAX_ATTEMPTS) throw error
        const backoffMs = Math.min(FIRST_RETRY_MS * 2 ** (fruitless - 1), MAX_RETRY_MS)
        const askedMs = error instanceof AttemptError ? error.retryAfterMs : null
        await this.#modules.wait(Math.min(askedMs ?? backoffMs, 2 * MAX_RETRY_MS), signal)
      }
    }
  }

  async #attempt(transfer: Transfer): Promise<void> {
    const { request, partial } = transfer
    const offset = resumeOffset(transfer)
    if (offset > 0 && offset === transfer.state?.totalBytes) return
    const stall = new StallTimer({ timeoutMs: this.#stallTimeoutMs })
    try {
      const signal =
        transfer.signal === undefined ? stall.signal : AbortSignal.any([transfer.signal, stall.signal])
      const { response, hops } = await followRedirects(this.#modules.fetch, {
        url: request.url,
        headers: offset === 0 ? {} : rangeHeaders(offset, transfer.state),
        token: request.token,
        signal,
      })
      promisedDigest(transfer, hops)
      if (response.status === 416) {
        await partial.restart({ url: request.url, validator: null, totalBytes: null })
        throw new AttemptError('the server has less of the file than is here')
      }
      if (!response.ok) throw await refusal(response, request)
      await this.#begin(transfer, response, offset)
      await this.#receive(transfer, response, stall)
    } finally {
      stall.stop()
    }
  }

  /** Decides whether the answer goes on with what is there or begins anew. */
  async #begin(transfer: Transfer, response: Response, offset: number): Promise<void> {
    const { partial, request } = transfer
    const range = response.status === 206 ? parseContentRange(response.headers.get('content-range')) : null
    const validator = validatorOf(response.headers)
    const known = transfer.state
    if (response.status === 206) {
      const isSame =
        range?.first === offset &&
        (range.total === null || known?.totalBytes == null || range.total === known.totalBytes) &&
        (validator === null || known?.validator == null || validator === known.validator)
      if (!isSame) {
        await response.body?.cancel()
        await partial.restart({ url: request.url, validator: null, totalBytes: null })
        transfer.state = null
        throw new AttemptError('the file changed on the server')
      }
    }
    const totalBytes =
      range === null ? contentLength(response.headers) : (range.total ?? known?.totalBytes ?? null)
    transfer.state = { url: request.url, validator: validator ?? known?.validator ?? null, totalBytes }
    if (response.status === 206) await partial.remember(transfer.state)
    else await partial.restart({ ...transfer.state, validator })
    const missingBytes = (totalBytes ?? 0) - partial.bytes
    if (
      missingBytes > 0 &&
      (await this.#modules.freeBytes(dirname(request.target))) < missingBytes + DISK_MARGIN_BYTES
    ) {
      await response.body?.cancel()
      throw diskFull(request, missingBytes)
    }
  }

  async #receive(transfer: Transfer, response: Response, stall: StallTimer): Promise<void> {
    const { partial, state } = transfer
    const totalBytes = state?.totalBytes ?? null
    for await (const chunk of response.body ?? []) {
      stall.touch()
      if (
        partial.bytes === 0 &&
        !GGUF_MAGIC.subarray(0, chunk.length).equals(chunk.subarray(0, GGUF_MAGIC.length))
      ) {
        throw notAModel(transfer.request, response)
      }
      if (totalBytes !== null && partial.bytes + chunk.length > totalBytes) {
        await partial.restart({ url: transfer.request.url, validator: null, totalBytes: null })
        throw new AttemptError('the server sent more than it had announced')
      }
      await partial.append(chunk)
      transfer.report('downloading', partial.bytes)
    }
    if (totalBytes !== null && partial.bytes < totalBytes)
      throw new AttemptError('the connection ended early')
  }

  async #verify(transfer: Transfer): Promise<void> {
    const { partial, request, sha256, signal } = transfer
    if (sha256 !== null) {
      const actual = await this.#modules.digest(partial.path, {
        onProgress: ({ hashedBytes }) => transfer.report('verifying', hashedBytes),
        ...(signal === undefined ? {} : { signal }),
      })
      transfer.report('verifying', partial.bytes, true)
      if (actual !== sha256) {
        await partial.discard()
        throw digestMismatch(request, sha256, actual)
      }
    }
    try {
      await this.#modules.check(partial.path)
    } catch (error) {
      await partial.discard()
      throw error
    }
  }

  /** Reports at most ten times a second, and the last of each phase. */
  #reporter(transfer: Transfer, options: DownloadOptions): Transfer['report'] {
    const { nowMs } = this.#modules
    const speed = new SpeedMeter({ nowMs })
    let reportedMs = Number.NEGATIVE_INFINITY
    return (phase, bytes, isLast = false) => {
      if (phase === 'downloading') speed.add(bytes)
      if (!isLast && nowMs() - reportedMs < PROGRESS_INTERVAL_MS) return
      reportedMs = nowMs()
      const totalBytes = transfer.state?.totalBytes ?? null
      options.onProgress?.({ phase, bytes, totalBytes, bytesPerSecond: Math.round(speed.bytesPerSecond) })
    }
  }
}

/** Aborts when it is not touched for a time. */
class StallTimer {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(options: { timeoutMs: number }) {
    this.#timer = setTimeout(
      () => this.#controller.abort(new AttemptError('nothing came over the connection for too long')),
      options.timeoutMs,
    )
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  touch(): void {
    this.#timer.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

/** How much of the file is there and may be kept: something must tell that the rest is of the same file. */
function resumeOffset({ state, request, partial, sha256 }: Transfer): number {
  if (state === null || state.url !== request.url) return 0
  if (state.validator === null && sha256 === null) return 0
  if (state.totalBytes !== null && partial.bytes > state.totalBytes) return 0
  return partial.bytes
}

function rangeHeaders(offset: number, state: PartialState | null): Record<string, string> {
  const validator = state?.validator ?? null
  return { range: `bytes=${offset}-`, ...(validator === null ? {} : { 'if-range': validator }) }
}

/** The hub names the SHA-256 of a large file as its linked ETag, on the answer that redirects to the file. */
function promisedDigest(transfer: Transfer, hops: readonly Headers[]): void {
  for (const headers of hops) {
    const promised = /^"?([0-9a-f]{64})"?$/.exec(headers.get('x-linked-etag') ?? '')?.[1]
    if (promised === undefined) continue
    if (transfer.sha256 !== null && transfer.sha256 !== promised) {
      throw digestMismatch(transfer.request, transfer.sha256, promised)
    }
    transfer.sha256 = promised
  }
}

async function refusal(response: Response, request: DownloadRequest): Promise<Error> {
  await response.body?.cancel()
  const { status } = response
  const where = displayUrl(request.url)
  const details = { url: where, status }
  if (status === 401 || status === 403) {
    return new ModelError('DOWNLOAD_REFUSED', `the server does not give out ${where} (${status})`, {
      fix: 'Set HF_TOKEN to a token that may read it, and accept the licence on the page of the model.',
      details,
    })
  }
  if (status === 404 || status === 410) {
    return new ModelError('MODEL_NOT_FOUND', `there is nothing at ${where} (${status})`, {
      fix: 'Check the spelling.',
      details,
    })
  }
  if (RETRIED_STATUS.has(status)) {
    return new AttemptError(`the server answered ${status}`, { retryAfterMs: retryAfterMs(response.headers) })
  }
  return new ModelError('DOWNLOAD_FAILED', `the server answered ${status} for ${where}`, {
    fix: 'Check the address, or fetch the file with a browser and name it by its path.',
    details,
  })
}

function notAModel(request: DownloadRequest, response: Response): ModelError {
  const type = response.headers.get('content-type') ?? 'unknown type'
  return new ModelError('MODEL_INVALID', `${displayUrl(request.url)} is not a GGUF file (${type})`, {
    fix: 'Name the address of the .gguf file itself, not of the page about it.',
    details: { url: displayUrl(request.url) },
  })
}

function digestMismatch(request: DownloadRequest, expected: string, actual: string): ModelError {
  return new ModelError(
    'MODEL_DIGEST_MISMATCH',
    `${displayUrl(request.url)} is not the file that was asked for`,
    {
      fix: 'Correct the digest, or take the file from another place.',
      details: { expected, actual },
    },
  )
}

function diskFull(request: DownloadRequest, neededBytes: number): ModelError {
  return new ModelError('DISK_FULL', `there is no room for ${request.target}`, {
    fix: `Free ${Math.ceil(neededBytes / 1e6)} MB, or choose another models folder. What has arrived is kept.`,
    details: { neededBytes },
  })
}

/** Network failures come as TypeErrors from fetch, broken bodies as errors with a code of undici. */
function isTransient(error: unknown): boolean {
  if (error instanceof AttemptError) return true
  if (error instanceof ModelError) return false
  if (!(error instanceof Error)) return false
  const code = (error as NodeJS.ErrnoException).code
  return error instanceof TypeError || error.name === 'AbortError' || (code?.startsWith('UND_ERR_') ?? false)
}

function finalError(error: unknown, request: DownloadRequest, signal: AbortSignal | undefined): unknown {
  if (error instanceof ModelError) return error
  if (signal?.aborted === true) {
    return new ModelError('CANCELLED', 'the download was cancelled', {
      fix: 'Start it again; it goes on from where it was.',
      cause: error,
    })
  }
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return diskFull(request, DISK_MARGIN_BYTES)
  if (!isTransient(error)) return error
  return new ModelError(
    'DOWNLOAD_FAILED',
    `${displayUrl(request.url)} could not be downloaded: ${reasonOf(error)}`,
    {
      fix: 'Check the network and start it again; it goes on from where it was.',
      details: { url: displayUrl(request.url) },
      cause: error,
    },
  )
}

/** fetch hides what happened in the cause. */
function reasonOf(error: unknown): string {
  const cause = (error as Error).cause
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  if (code !== undefined) return code
  return cause instanceof Error ? cause.message : (error as Error).message
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}

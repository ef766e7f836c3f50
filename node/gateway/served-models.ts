import type { NodeEvent, NodeEvents } from '../node-events.ts'

/** What became of a model that is to be offered. */
export interface ServedModelView {
  /** As it was named. */
  spec: string
  state: 'loading' | 'downloading' | 'ready' | 'failed'
  /** Its id, once it is known. */
  model: string | null
  /** Why it could not be loaded, and what to do. */
  error: string | null
  /** Of a download. */
  progress: { bytes: number; totalBytes: number | null } | null
}

/** Remembers what a node tells of its models, for whoever asks later. */
export class ServedModels {
  readonly #models = new Map<string, ServedModelView>()

  /** @param events of a node that has not started yet */
  constructor(events: NodeEvents) {
    events.on('event', event => {
      if (event.type !== 'model') return
      if (event.state === 'retired') this.#models.delete(event.spec)
      else this.#models.set(event.spec, { ...viewOf(event), state: event.state })
    })
  }

  list(): ServedModelView[] {
    return [...this.#models.values()]
  }
}

function viewOf({
  spec,
  model,
  error,
  progress,
}: NodeEvent & { type: 'model' }): Omit<ServedModelView, 'state'> {
  return {
    spec,
    model: model ?? null,
    error: error ?? null,
    progress: progress === undefined ? null : { bytes: progress.bytes, totalBytes: progress.totalBytes },
  }
}

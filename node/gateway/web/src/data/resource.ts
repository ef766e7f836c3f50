import { useCallback, useEffect, useState } from 'react'
import { getJson } from './http.ts'

/** What came of asking the node for something. Old data stays in sight while new is asked for. */
export interface Resource<T> {
  data: T | null
  error: unknown
  isLoading: boolean
  reload: () => void
}

/** What was answered last for each path, so that coming back to a page shows it at once. */
const MAX_KEPT = 64
const kept = new Map<string, unknown>()

/**
 * Asks the node for `path`, now and, with `everyMs`, again while the page is in sight.
 * @param path null asks for nothing yet
 */
export function useResource<T>(path: string | null, options: { everyMs?: number } = {}): Resource<T> {
  const { everyMs } = options
  const [turn, setTurn] = useState(0)
  const [state, setState] = useState<{ path: string | null; error: unknown; isLoading: boolean }>({
    path,
    error: null,
    isLoading: path !== null,
  })
  const reload = useCallback(() => setTurn(now => now + 1), [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: a turn is what calls for it
  useEffect(() => {
    if (path === null) return
    const over = new AbortController()
    setState(now => ({ path, error: now.path === path ? now.error : null, isLoading: true }))
    getJson<T>(path, { signal: over.signal }).then(
      data => {
        keep(path, data)
        setState({ path, error: null, isLoading: false })
      },
      (error: unknown) => {
        if (!over.signal.aborted) setState({ path, error, isLoading: false })
      },
    )
    return () => over.abort()
  }, [path, turn])

  useEffect(() => {
    if (everyMs === undefined) return
    const timer = setInterval(() => {
      if (!document.hidden) reload()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs, reload])

  const isCurrent = state.path === path
  return {
    data: path === null ? null : ((kept.get(path) as T | undefined) ?? null),
    error: isCurrent ? state.error : null,
    isLoading: isCurrent ? state.isLoading : path !== null,
    reload,
  }
}

function keep(path: string, data: unknown): void {
  kept.delete(path)
  kept.set(path, data)
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!)
}

import { useEffect, useSyncExternalStore } from 'react'
import { IconButton } from './button.tsx'
import type { Tone } from './card.tsx'

interface Toast {
  id: number
  tone: Tone
  text: string
}

const SHOWN_MS = 6_000
const MAX_SHOWN = 3

const listeners = new Set<() => void>()
let toasts: readonly Toast[] = []
let lastId = 0

function set(next: readonly Toast[]): void {
  toasts = next
  for (const tell of listeners) tell()
}

/** Says in passing what happened; what must be read belongs on the page. */
export function toast(text: string, tone: Tone = 'plain'): void {
  set([...toasts, { id: ++lastId, tone, text }].slice(-MAX_SHOWN))
}

export function ToastRegion() {
  const shown = useSyncExternalStore(
    tell => {
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
    () => toasts,
  )
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(each => (
        <ToastLine key={each.id} {...each} />
      ))}
    </div>
  )
}

function ToastLine({ id, tone, text }: Toast) {
  useEffect(() => {
    const timer = setTimeout(() => set(toasts.filter(each => each.id !== id)), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [id])
  return (
    <div className="toast" data-tone={tone}>
      <p>{text}</p>
      <IconButton
        label="Dismiss"
        icon="close"
        size={16}
        onClick={() => set(toasts.filter(each => each.id !== id))}
      />
    </div>
  )
}

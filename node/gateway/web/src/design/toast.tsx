import { useEffect } from 'react'
import { Store, useStore } from '../data/store.ts'
import { IconButton } from './button.tsx'
import type { Tone } from './card.tsx'

interface Toast {
  id: number
  tone: Tone
  text: string
}

const SHOWN_MS = 6_000
const MAX_SHOWN = 3

const toasts = new Store<readonly Toast[]>([])
let lastId = 0

/** Says in passing what happened; what must be read belongs on the page. */
export function toast(text: string, tone: Tone = 'plain'): void {
  toasts.set([...toasts.get(), { id: ++lastId, tone, text }].slice(-MAX_SHOWN))
}

function dismiss(id: number): void {
  toasts.set(toasts.get().filter(each => each.id !== id))
}

export function ToastRegion() {
  const shown = useStore(toasts)
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
    const timer = setTimeout(() => dismiss(id), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [id])
  return (
    <div className="toast" data-tone={tone}>
      <p>{text}</p>
      <IconButton label="Dismiss" icon="close" size={16} onClick={() => dismiss(id)} />
    </div>
  )
}

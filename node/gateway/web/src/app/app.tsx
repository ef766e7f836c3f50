import { Suspense, useEffect, useRef } from 'react'
import { startSession } from '../data/session.ts'
import { PageSkeleton } from '../design/skeleton.tsx'
import { ToastRegion } from '../design/toast.tsx'
import { ErrorBoundary } from './error-boundary.tsx'
import { NotFound } from './not-found.tsx'
import { PAGES } from './pages.tsx'
import { useRoute } from './router.tsx'
import { Shell } from './shell.tsx'

export function App() {
  const { parts } = useRoute()
  const page = PAGES.find(({ id }) => id === (parts[0] ?? '')) ?? null
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  useEffect(startSession, [])

  const title = page?.title ?? 'Not found'
  useEffect(() => {
    document.title = `${title} · Shoal`
    if (!isFirst.current) main.current?.focus({ preventScroll: true })
    isFirst.current = false
  }, [title])

  return (
    <>
      <Shell page={page} main={main}>
        <ErrorBoundary key={title}>
          <Suspense fallback={<PageSkeleton />}>{page === null ? <NotFound /> : <page.component />}</Suspense>
        </ErrorBoundary>
      </Shell>
      <ToastRegion />
    </>
  )
}

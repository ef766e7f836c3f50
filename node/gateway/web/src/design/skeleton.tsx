/** Holds the place of what is loading, in its size, so that nothing moves when it comes. */
export function Skeleton({ lines = 3, height }: { lines?: number; height?: string }) {
  if (height !== undefined) return <div className="skeleton" style={{ height }} aria-hidden="true" />
  return (
    <div className="skeleton-lines" aria-hidden="true">
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines are all there is to them
        <div key={line} className="skeleton" />
      ))}
    </div>
  )
}

export function PageSkeleton() {
  return (
    <div className="page" aria-busy="true">
      <p className="visually-hidden" role="status">
        Loading
      </p>
      <Skeleton height="2.25rem" />
      <Skeleton height="14rem" />
    </div>
  )
}

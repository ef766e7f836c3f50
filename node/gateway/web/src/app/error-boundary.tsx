import { Component, type ReactNode } from 'react'
import { ErrorState } from '../design/error-state.tsx'

interface State {
  error: unknown
}

/** What a page that cannot be drawn leaves in its place; the navigation around it goes on. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null }

  static getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === null) return this.props.children
    return <ErrorState error={error} title="This page stopped working" retry={() => location.reload()} />
  }
}

/** A contender as the bench sees it: a process that is asked for one round at a time. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Answer, Assignment, Question } from './messages.ts'

export class Contender {
  readonly #child: ChildProcess

  private constructor(assignment: Assignment) {
    const execArgv = ['--expose-gc', '--no-warnings']
    this.#child = fork(join(import.meta.dirname, 'worker.ts'), [JSON.stringify(assignment)], { execArgv })
  }

  /** Resolves when it is ready for its first round. */
  static async open(assignment: Assignment): Promise<Contender> {
    const contender = new Contender(assignment)
    try {
      await contender.#answer('open')
    } catch (error) {
      await contender.end()
      throw error
    }
    return contender
  }

  async ask<Is extends Answer['is']>(question: Question, is: Is): Promise<Extract<Answer, { is: Is }>> {
    this.#child.send(question)
    return await this.#answer(is)
  }

  async close(): Promise<void> {
    await this.ask({ ask: 'close' }, 'closed')
    await this.end()
  }

  /** It ends itself and what it has started when nobody speaks to it any more. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    if (this.#child.connected) this.#child.disconnect()
    await exit
  }

  async #answer<Is extends Answer['is']>(is: Is): Promise<Extract<Answer, { is: Is }>> {
    const ending = new AbortController()
    const ended = once(this.#child, 'exit', { signal: ending.signal }).then(([code]) => {
      throw new Error(`A contender's process ended with ${code}`)
    })
    try {
      const [answer] = (await Promise.race([once(this.#child, 'message', { signal: ending.signal }), ended])) as [
        Answer,
      ]
      if (answer.is === 'failed') throw new Error(answer.error)
      if (answer.is !== is) throw new Error(`Expected '${is}', got '${answer.is}'`)
      return answer as Extract<Answer, { is: Is }>
    } finally {
      ended.catch(() => {})
      ending.abort()
    }
  }
}

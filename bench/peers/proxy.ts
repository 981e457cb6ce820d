/**
 * nginx and varnish in front of the origin, on loopback, where they are installed. Their own CPU time is not in the
 * figures: what is measured is what it takes to ask them.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Peer, PeerContext } from './peer.ts'

const START_ATTEMPTS = 200

interface Proxy {
  readonly binary: string
  readonly versionFlag: string
  /** Writes what it needs; gives its arguments. */
  prepare(context: PeerContext, port: number): Promise<readonly string[]>
}

export const nginx: Peer = proxyPeer({
  binary: 'nginx',
  versionFlag: '-v',
  prepare: async ({ directory, origin, limits = {} }, port) => {
    await mkdir(join(directory, 'logs'), { recursive: true })
    const file = join(directory, 'nginx.conf')
    const { maxSize = 4e9 } = limits
    // nginx counts no entries: a megabyte of its keys' zone holds 8,000.
    await writeFile(
      file,
      `daemon off; master_process off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/temporary; fastcgi_temp_path ${directory}/fcgi;
  uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  proxy_cache_path ${directory}/cache levels=1:2 keys_zone=bench:64m max_size=${maxSize} inactive=1d use_temp_path=off;
  upstream origin { server ${new URL(origin).host}; keepalive 64; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_cache bench;
      proxy_cache_lock on; proxy_cache_lock_timeout 60s;
    }
  }
}
`,
    )
    return ['-p', directory, '-c', file]
  },
})

export const varnish: Peer = proxyPeer({
  binary: 'varnishd',
  versionFlag: '-V',
  prepare: async ({ directory, origin, limits = {} }, port) => {
    const { hostname, port: originPort } = new URL(origin)
    const file = join(directory, 'default.vcl')
    await writeFile(file, `vcl 4.1; backend origin { .host = "${hostname}"; .port = "${originPort}"; }\n`)
    const memory = limits.maxSize ?? 4e9
    return ['-F', '-n', join(directory, 'run'), '-a', `127.0.0.1:${port}`, '-f', file, '-s', `malloc,${memory}`]
  },
})

function proxyPeer(proxy: Proxy): Peer {
  return {
    unavailable: () => {
      const { error } = spawnSync(proxy.binary, [proxy.versionFlag])
      return error === undefined ? undefined : `${proxy.binary} is not installed`
    },
    open: async (context) => {
      const port = await freePort()
      const args = await proxy.prepare(context, port)
      const child = spawn(proxy.binary, args, { stdio: 'ignore' })
      // Also where nobody comes to close it.
      process.once('exit', () => child.kill())
      const base = `http://127.0.0.1:${port}`
      const agent = new Agent()
      await untilListening(base, () => child.exitCode !== null)
      return {
        base,
        dispatcher: agent,
        builtInFetch: fetch,
        close: async () => {
          await agent.close()
          if (child.exitCode !== null) return
          child.kill()
          await once(child, 'exit')
        },
      }
    },
  }
}

async function untilListening(base: string, hasEnded: () => boolean): Promise<void> {
  for (let i = 0; i < START_ATTEMPTS; i++) {
    if (hasEnded()) throw new Error('The proxy ended at once')
    try {
      await (await request(`${base}/1/hello`)).body.dump()
      return
    } catch {
      await delay(50)
    }
  }
  throw new Error('The proxy does not listen')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/// `/`: a page that connects to `/events` and shows the planets.
enum IndexPage {
    static let html = """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Planets</title>
        <style>
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
        td, th { text-align: left; padding: .2rem 1rem .2rem 0 }
        #events { color: #555; white-space: pre-line }
        </style>
        <h1>Planets</h1>
        <table><thead><tr><th>Name<th>Type<th>Mean radius, km<th>Satellites</thead><tbody></tbody></table>
        <h2>Events</h2>
        <p id="events"></p>
        <p><a href="/metrics">metrics</a> · <a href="/planets">planets as JSON</a></p>
        <script>
        const body = document.querySelector('tbody'), log = document.querySelector('#events')
        async function load() {
          const planets = await (await fetch('/planets')).json()
          body.replaceChildren(...planets.map(p => {
            const row = document.createElement('tr')
            for (const text of [p.name, p.type, p.meanRadius, (p.satellites || []).join(', ')])
              row.appendChild(document.createElement('td')).textContent = text
            return row
          }))
        }
        const source = new EventSource('/events')
        const note = text => log.textContent = text + '\\n' + log.textContent.slice(0, 2000)
        source.addEventListener('connected', e => note('connected as client ' + e.data))
        for (const kind of ['planet-created', 'planet-updated', 'planet-deleted'])
          source.addEventListener(kind, e => { note(kind + ': ' + e.data); load() })
        source.onerror = () => note('disconnected')
        load()
        </script>
        </html>

        """
}

// Afterword's survey inside a chat. The chat's page puts this where the survey should stand:
//
//   <afterword-survey link="https://…/r/…"></afterword-survey>
//
// The link comes from its backend, which got it with the webhook rating.requested. What happens is told by the event
// "afterword-survey" with detail.state: open, rated, final, gone, busy; closed when the customer sends it away; failed when no survey
// came, and then nothing is shown. No cookies, no storage, no requests but for the survey's own page, in a frame.
(() => {
  'use strict';
  const home = new URL('.', document.currentScript.src);
  const PATIENCE_MS = 15000;
  const MOST_PX = 4000;

  // Made so, a style sheet needs no leave from the page's Content-Security-Policy.
  const style = new CSSStyleSheet();
  style.replaceSync(`
:host { display: block; position: relative; }
section[inert] { block-size: 0; overflow: hidden; visibility: hidden; }
iframe { display: block; inline-size: 100%; border: 0; border-radius: 8px; color-scheme: inherit;
  box-shadow: 0 0 0 1px color-mix(in srgb, currentColor 20%, transparent); }
button { display: block; margin: 8px 0 0 auto; min-block-size: 44px; padding: 8px 16px; border: 1px solid; border-radius: 8px;
  background: none; color: inherit; font: inherit; cursor: pointer; }
[dir=rtl] button { margin: 8px auto 0 0; }
button:focus-visible { outline: 3px solid; outline-offset: 2px; }
p { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`);

  const make = (parent, name, properties) => parent.appendChild(Object.assign(document.createElement(name), properties));

  class Survey extends HTMLElement {
    static observedAttributes = ['link'];
    #root = this.attachShadow({ mode: 'open' });
    #end = null;

    connectedCallback() {
      this.#show();
    }

    disconnectedCallback() {
      this.#clear();
    }

    attributeChangedCallback() {
      if (this.isConnected) this.#show();
    }

    #clear() {
      this.#end?.abort();
      this.#end = null;
      this.#root.replaceChildren();
    }

    #tell(state) {
      this.dispatchEvent(new CustomEvent('afterword-survey', { bubbles: true, composed: true, detail: { state } }));
    }

    #leave(state) {
      this.#clear();
      this.#tell(state);
    }

    #show() {
      this.#clear();
      const text = this.getAttribute('link');
      if (!text) return;
      // Only a survey of the program that this script came from: whatever else an attribute may say is shown to nobody.
      const link = URL.canParse(text) ? new URL(text).href : '';
      if (!link.startsWith(`${home}r/`)) {
        this.#leave('failed');
        return;
      }
      this.#end = new AbortController();
      const { signal } = this.#end;
      this.#root.adoptedStyleSheets = [style];
      // Nothing is seen of it before the survey says that it is there.
      const box = make(this.#root, 'section', { inert: true });
      const frame = make(box, 'iframe', { referrerPolicy: 'no-referrer', allow: '' });
      // On a page of the same address, which is the demo's, it would keep nothing in.
      if (home.origin !== origin) frame.setAttribute('sandbox', 'allow-forms allow-scripts allow-same-origin');
      frame.setAttribute('scrolling', 'no');
      const news = make(this.#root, 'p', { role: 'status' });
      const button = make(box, 'button', { type: 'button', onclick: () => this.#leave('closed') });
      const late = setTimeout(() => this.#leave('failed'), PATIENCE_MS);
      signal.addEventListener('abort', () => clearTimeout(late));
      let state = null;
      const hear = ({ source, origin: from, data }) => {
        const said = data?.afterword;
        if (source !== frame.contentWindow || from !== home.origin || !said) return;
        clearTimeout(late);
        const { title, close, lang, dir } = said;
        Object.assign(box, { inert: false, lang, dir });
        frame.title = title;
        frame.style.blockSize = `${Math.min(Math.max(said.height, 0), MOST_PX) || 0}px`;
        button.textContent = close;
        if (said.state === state) return;
        // Later titles tell what was saved, which the page says itself.
        if (!state) news.textContent = box.ariaLabel = title;
        state = said.state;
        this.#tell(state);
      };
      addEventListener('message', hear, { signal });
      frame.src = link;
    }
  }

  if (!customElements.get('afterword-survey')) customElements.define('afterword-survey', Survey);
})();

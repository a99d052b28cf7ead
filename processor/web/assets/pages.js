// What a script adds to the managers' pages, all of which work without it: they follow what happens, a mark is made without
// loading the page, and a click into a drawing leads to what it shows.
'use strict';

(() => {
  const $ = (id) => document.getElementById(id);
  const body = document.body;
  let state = body.dataset.state;
  let source;
  let due;
  let busy = false;
  /** The address of what is shown. */
  let here = location.href;
  const waiting = new Map();

  /** Whether somebody is doing something in there: then it is left alone. */
  const isInUse = (element) => {
    const active = document.activeElement;
    if (active && active !== element && element.contains(active) && active.matches('input, select, textarea, button')) return true;
    const selection = getSelection();
    return Boolean(selection && !selection.isCollapsed && selection.containsNode(element, true));
  };

  /** The same page as it is now. */
  const load = async (address, options) => {
    const answer = await fetch(address, { credentials: 'same-origin', ...options });
    const text = await answer.text();
    if (!answer.ok) throw new Error(new DOMParser().parseFromString(text, 'text/html').querySelector('main')?.textContent.trim() || answer.statusText);
    return new DOMParser().parseFromString(text, 'text/html');
  };

  /** Puts the new element in place of the old, with what was open still open and what had the focus still having it. */
  const replace = (before, after) => {
    if (before.outerHTML === after.outerHTML) return;
    const fresh = document.importNode(after, true);
    for (const open of before.querySelectorAll('details[open][id]')) {
      const same = fresh.querySelector(`#${CSS.escape(open.id)}`);
      if (same) same.open = true;
    }
    const scrolled = [...before.querySelectorAll('.scrolls')].map((box) => box.scrollLeft);
    const active = document.activeElement;
    const links = active && before.contains(active) ? [...before.querySelectorAll('a, summary, .scrolls')].indexOf(active) : -1;
    const itself = active === before;
    before.replaceWith(fresh);
    fresh.querySelectorAll('.scrolls').forEach((box, index) => { box.scrollLeft = scrolled[index] ?? 0; });
    const focus = itself ? fresh : links >= 0 ? fresh.querySelectorAll('a, summary, .scrolls')[links] : undefined;
    focus?.focus({ preventScroll: true });
  };

  /** A list only changes what it shows already; what is new waits behind a button, so that nothing moves while it is read. */
  const follow = (list, fresh) => {
    const known = new Map([...list.children].map((entry) => [entry.id, entry]));
    const news = [];
    for (const entry of fresh.querySelectorAll(':scope > [data-entry]')) {
      const there = known.get(entry.id);
      if (!there) news.push(entry);
      else if (!isInUse(there)) replace(there, entry);
    }
    const first = list.firstElementChild;
    const place = [...fresh.children];
    const above = news.filter((entry) => !first || place.indexOf(entry) < place.findIndex((other) => other.id === first.id) || !fresh.querySelector(`#${CSS.escape(first.id)}`));
    if (above.length === 0) return;
    if (list.dataset.list === 'grow' && scrollY < 80 && !list.matches(':hover') && !isInUse(list)) {
      show(list, above);
      return;
    }
    waiting.set(list.id, above);
    let button = $(`new-${list.id}`);
    if (!button) {
      button = document.createElement('button');
      button.id = `new-${list.id}`;
      button.type = 'button';
      button.className = 'news';
      button.addEventListener('click', () => {
        show(list, waiting.get(list.id) ?? []);
        waiting.delete(list.id);
        button.remove();
        list.firstElementChild?.scrollIntoView({ block: 'center' });
      });
      document.querySelector('main').append(button);
    }
    const more = above.length >= place.length && place.length > 0 ? 'More than ' : '';
    button.textContent = `${more}${above.length} new: show`;
  };

  const show = (list, entries) => {
    for (const entry of [...entries].reverse()) {
      const fresh = document.importNode(entry, true);
      fresh.classList.add('fresh');
      list.prepend(fresh);
    }
  };

  const refresh = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const fresh = await load(here);
      for (const element of document.querySelectorAll('[data-live][id]')) {
        const now = fresh.getElementById(element.id);
        if (now && !isInUse(element)) replace(element, now);
      }
      for (const list of document.querySelectorAll('[data-list][id]')) {
        const now = fresh.getElementById(list.id);
        if (now) follow(list, now);
      }
      const was = document.querySelector('main > .empty');
      if (was && !fresh.querySelector('main > .empty') && !isInUse(document.querySelector('main'))) replace(document.querySelector('main'), fresh.querySelector('main'));
      state = fresh.body.dataset.state;
    } catch {
      // The stream says when there is something again.
    } finally {
      busy = false;
    }
  };

  const say = (text) => {
    const liveness = $('liveness');
    if (liveness && liveness.textContent !== text) liveness.textContent = text;
  };

  /** Listens while the page is seen: a browser has few connections to one address. */
  const listen = () => {
    if (!body.dataset.changes || source || document.hidden) return;
    source = new EventSource(body.dataset.changes);
    source.addEventListener('open', () => say('This page follows what happens.'));
    source.addEventListener('error', () => say('Not connected; what you see may be old.'));
    source.addEventListener('state', (event) => {
      if (event.data === state || due) return;
      due = setTimeout(() => { due = undefined; refresh(); }, 700);
    });
  };

  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) return listen();
    source?.close();
    source = undefined;
  });
  addEventListener('pagehide', () => { source?.close(); source = undefined; });
  addEventListener('pageshow', listen);

  /** A mark is made in place; when that fails, as without a script. */
  document.addEventListener('submit', async (event) => {
    const form = event.target;
    if (!form.dataset.quiet) return;
    event.preventDefault();
    const button = form.querySelector('button');
    button.disabled = true;
    try {
      const fresh = await load(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
      const entry = $(form.dataset.quiet);
      const now = fresh.getElementById(form.dataset.quiet);
      if (entry && now) {
        const copy = document.importNode(now, true);
        entry.replaceWith(copy);
        copy.querySelector('form button')?.focus({ preventScroll: true });
      } else if (entry) {
        // It is no longer of the kind that this list shows.
        button.replaceWith('Done');
        entry.classList.add('gone');
      }
    } catch {
      form.removeAttribute('data-quiet');
      button.disabled = false;
      form.submit();
    }
  });

  /** What the server reads from the log comes after the page. */
  const more = async (link) => {
    try {
      const fresh = await load(link.href);
      const now = fresh.getElementById(link.dataset.load);
      if (!now) return;
      here = link.href;
      replace($(link.dataset.load), now);
    } catch {
      // The link stays.
    }
  };
  document.querySelectorAll('a[data-load]').forEach(more);

  document.addEventListener('click', (event) => {
    const drawn = event.target.closest?.('[data-href]');
    if (drawn) location.href = drawn.dataset.href;
    for (const dropdown of document.querySelectorAll('details.dropdown[open]')) {
      if (!dropdown.contains(event.target)) dropdown.open = false;
    }
  });
  document.addEventListener('keydown', (event) => {
    const dropdown = event.key === 'Escape' && document.activeElement?.closest('details.dropdown[open]');
    if (!dropdown) return;
    dropdown.open = false;
    dropdown.querySelector('summary').focus();
  });

  listen();
})();

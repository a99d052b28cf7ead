// On the survey's page when it stands in a chat (messenger.js): says how tall it is, what it is called and how far the customer got.
// Nothing of it is secret, and only sites that may frame the page hear it.
(() => {
  'use strict';
  if (parent === self) return;
  const page = document.documentElement;
  const { lang, dir, dataset: { state, close } } = page;
  page.classList.add('framed');
  // One of two on the whole screen, so it says which.
  document.querySelector('main').ariaLabel = document.title;
  const tell = () => {
    const height = Math.ceil(page.getBoundingClientRect().height);
    parent.postMessage({ afterword: { state, close, title: document.title, lang, dir, height } }, '*');
  };
  // At once: what cannot be seen yet is observed by nobody.
  tell();
  new ResizeObserver(tell).observe(page);
  // In a frame of another site browsers pass over this attribute. It is there after an answer alone, never when the page first shows.
  document.querySelector('[autofocus]')?.focus();
})();

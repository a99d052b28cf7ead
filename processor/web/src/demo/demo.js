// The toy chat of `afterword demo`: both sides of a conversation on one page. A real chat has its customer's side alone, and of all
// this only the last lines of `surveyArrives`.
(() => {
  'use strict';
  const LOOK_MS = 700;
  const TYPING_MS = 1200;
  const REACTIONS = ['terrible', 'bad', 'ok', 'great', 'amazing'];
  const REPLIES = [
    'Hello, this is Robin. I am sorry about that, and just in time for a present! I have looked it up: the second lamp left our warehouse in a parcel of its own, because the box was too small for both. It is in your town already and will be at your door tomorrow before noon.',
    'You are welcome. I have added a note for the driver as well. If it is not there by noon, write here again and I will send another one at once. Anything else that I can do for you?',
    'Gladly. Have a nice day!',
  ];

  const byId = (id) => document.getElementById(id);
  const transcript = byId('transcript');
  let chat = null;
  let seen = {};

  async function call(path, body) {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(path, body === undefined ? {} : post);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.json();
  }

  function add(parent, name, properties) {
    return parent.appendChild(Object.assign(document.createElement(name), properties));
  }

  const happened = (textContent) => add(byId('events'), 'li', { textContent });
  const desk = (text) => { byId('desk').textContent = text; };
  const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });

  async function write(by, text) {
    const to = chat.conversation;
    await call(`/demo/chats/${to}/messages`, { by, text });
    if (chat?.conversation !== to) return;
    add(transcript, 'p', { className: by, textContent: text });
    happened(`message_added by the ${by}: a fact in the log`);
  }

  async function send(event) {
    event.preventDefault();
    const field = byId('text');
    const text = field.value.trim();
    if (!text || chat?.closed) return;
    field.value = '';
    if (!chat) {
      chat = { ...(await call('/demo/chats', {})), replies: 0, closed: false };
      happened(`conversation_started: ${chat.conversation}`);
    }
    const mine = chat;
    await write('customer', text);
    desk('Robin is typing …');
    await wait(TYPING_MS);
    const reply = REPLIES[Math.min(mine.replies, REPLIES.length - 1)];
    if (chat !== mine || mine.closed) return;
    mine.replies += 1;
    await write('teammate', reply);
    desk('Robin has answered. Close the conversation when you like, or write on as the customer.');
    byId('close').disabled = false;
  }

  async function close() {
    byId('close').disabled = true;
    chat.closed = true;
    await call(`/demo/chats/${chat.conversation}/close`, {});
    add(transcript, 'p', { className: 'note', textContent: 'Robin has closed the conversation.' });
    happened('conversation_closed by the teammate: now the rules decide');
    desk('Closed. Whether the customer is asked is decided by the rules.');
    byId('write').hidden = true;
  }

  function surveyArrives(link) {
    happened('webhook rating.requested: its signature is right, and it carries the link');
    desk('The customer is asked, in the chat.');
    const survey = add(transcript, 'afterword-survey', {});
    survey.addEventListener('afterword-survey', ({ detail }) => happened(`the survey in the chat: ${detail.state}`));
    survey.setAttribute('link', link);
  }

  function ratingArrives({ reaction, comment, revision }) {
    happened(`webhook rating.submitted: ${reaction}${comment ? ', with a comment' : ''} (revision ${revision})`);
    desk(comment ? `The customer says: ${reaction}. “${comment}”` : `The customer says: ${reaction}.`);
  }

  function show(card) {
    for (const name of ['asked', 'answered', 'comments']) byId(name).textContent = card[name];
    const counts = REACTIONS.map((name) => card[name]);
    const all = counts.reduce((sum, count) => sum + count, 0);
    byId('positive').textContent = all ? `${Math.round(100 * (card.great + card.amazing) / all)} %` : '–';
    REACTIONS.forEach((name, index) => bar(document.querySelector(`tr.${name} td`), counts[index], all));
  }

  function bar(cell, count, all) {
    const space = 'http://www.w3.org/2000/svg';
    const picture = document.createElementNS(space, 'svg');
    picture.setAttribute('aria-hidden', 'true');
    const rect = picture.appendChild(document.createElementNS(space, 'rect'));
    rect.setAttribute('height', '100%');
    rect.setAttribute('width', all ? `${100 * count / all}%` : '0');
    cell.replaceChildren(picture, Object.assign(document.createElement('span'), { textContent: count }));
  }

  async function look() {
    const mine = chat;
    try {
      const state = await call(mine ? `/demo/chats/${mine.conversation}` : '/demo/scorecard');
      show(state.scorecard);
      if (chat === mine && mine) {
        if (state.link && !seen.link) surveyArrives(state.link);
        if (state.rating && state.rating.revision !== seen.revision) ratingArrives(state.rating);
        seen = { link: state.link, revision: state.rating?.revision };
      }
    } catch {
      desk('The demo does not answer. Is it still running?');
    }
    setTimeout(look, LOOK_MS);
  }

  function again() {
    chat = null;
    seen = {};
    transcript.replaceChildren();
    byId('events').replaceChildren();
    byId('close').disabled = true;
    const form = byId('write');
    form.reset();
    form.hidden = false;
    desk('Waiting for a customer.');
  }

  byId('write').addEventListener('submit', send);
  byId('close').addEventListener('click', close);
  byId('again').addEventListener('click', again);
  look();
})();

"use strict";
// The study's page. It knows the trial that is asked now and nothing else; where a subject is, only the server knows.

const RETRY_MS = [500, 1000, 2000, 4000];

const at = (id) => document.getElementById(id);
const sections = [...document.querySelectorAll("main > section")];

let about; // texts and sizes, the same for everybody
let state; // what the server asks now
let code = decodeURIComponent(location.hash.slice(1)); // an access code in the link
let anew = false; // somebody else sits here now
let busy = true; // no answer is taken: nothing to see yet, or one is being stored
let seenMs = 0; // how long the image was visible before the last pause
let visibleSince = null;

// ---------------------------------------------------------------- talking to the server

async function ask(path, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  if (response.ok) return response.json();
  const error = new Error((await response.json().catch(() => ({}))).error || response.statusText);
  error.status = response.status;
  throw error;
}

// Until it works: a lost connection or a restarted server must not cost an answer. A refusal ends it.
async function askUntilHeard(path, body) {
  for (let tries = 0; ; tries += 1) {
    try {
      const found = await ask(path, body);
      trouble("");
      return found;
    } catch (error) {
      if (error.status && error.status < 500 && error.status !== 429) throw error;
      if (tries > 0) trouble("No connection. Your answers are safe; trying again …");
      await new Promise((wake) => setTimeout(wake, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]));
    }
  }
}

function trouble(text) {
  if (at("trouble").textContent !== text) at("trouble").textContent = text;
  if (!about || sections.every((section) => section.hidden || section.id === "loading")) {
    if (text) show("broken");
  }
}

// ---------------------------------------------------------------- sections

function show(id) {
  for (const section of sections) section.hidden = section.id !== id;
  scrollTo(0, 0);
  const heading = at(id).querySelector("h1");
  if (heading) heading.focus({ preventScroll: true });
}

function say(text) {
  at("said").textContent = text;
}

function paragraphs(box, texts) {
  box.replaceChildren(...texts.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
}

function showConsent() {
  at("consent-error").textContent = "";
  at("agree").checked = false;
  at("code").value = code;
  at("code-row").hidden = !about.code || Boolean(code);
  show("consent");
}

function showInstructions() {
  const [real, fake] = about.words.map((word) => `“${word}”`);
  const pair = about.mode === "two-alternative";
  const texts = [
    pair
      ? "You will see two images side by side. One of them was taken by a camera. Which one?"
      : `You will see one image at a time. Was it taken by a camera? Then answer ${real}; otherwise answer ${fake}.`,
  ];
  if (about.examples) texts.push("Labelled examples of both kinds stay on the screen all the time. Look at them as long as you like.");
  if (about.attention) {
    texts.push(`Now and then there is a chequered pattern in place of an image. No camera took it: ${pair ? "choose the other side" : `answer ${fake}`}.`);
  }
  texts.push(`There are ${about.trials} questions${about.practice ? `, and ${about.practice} before them for practice` : ""}. Answer as well as you can; if you are not sure, guess. You are not told whether you were right.`);
  texts.push("You can pause whenever you like, or close the page and come back later on this device.");
  paragraphs(at("instructions-text"), texts);
  const keys = [["F", "←", choices()[0].label], ["J", "→", choices()[1].label], ["P", null, "Pause"]];
  at("keys").replaceChildren(...keys.flatMap(([letter, arrow, what]) => {
    const term = document.createElement("dt");
    term.append(key(letter), ...(arrow ? [" or ", key(arrow)] : []));
    return [term, Object.assign(document.createElement("dd"), { textContent: what })];
  }));
  at("start").textContent = about.practice ? "Begin with practice" : "Begin";
  show("instructions");
}

function key(text) {
  return Object.assign(document.createElement("kbd"), { textContent: text });
}

function showBetween(title, text, otherPerson = false) {
  stopClock();
  at("between-title").textContent = title;
  at("between-text").textContent = text;
  at("somebody-else").hidden = !otherPerson;
  show("between");
}

function showDone() {
  at("subject").textContent = state.subject;
  show("done");
}

// Where a subject is after loading the page: at the start, in the middle, or at the end.
function enter(found) {
  state = found;
  if (state.stage === "consent") showConsent();
  else if (state.stage === "done") showDone();
  else if (state.position === 1) showInstructions();
  else showBetween("Welcome back", `You go on with ${counted()}.`, true);
}

function counted() {
  return `${state.stage === "practice" ? "practice" : "question"} ${state.number} of ${state.of}`;
}

// ---------------------------------------------------------------- a trial

function choices() {
  if (about.mode === "two-alternative") {
    return [{ answer: "left", label: `Left is ${about.words[0].toLowerCase()}` }, { answer: "right", label: `Right is ${about.words[0].toLowerCase()}` }];
  }
  return [{ answer: "real", label: about.words[0] }, { answer: "fake", label: about.words[1] }];
}

function prepareTrial() {
  const pair = about.mode === "two-alternative";
  at("question").textContent = pair ? `Which one is ${about.words[0].toLowerCase()}?` : `${about.words[0]} or ${about.words[1].toLowerCase()}?`;
  at("answers").replaceChildren(...choices().map(({ answer, label }, side) => {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.append(label, key(side ? "J  →" : "←  F"));
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => submit(answer));
    return button;
  }));
  at("images").replaceChildren(...Array.from({ length: pair ? 2 : 1 }, blank));
  for (const [side, word] of about.words.entries()) {
    const figure = at(side ? "examples-fake" : "examples-real");
    figure.hidden = !about.examples;
    figure.setAttribute("aria-label", `Examples: ${word.toLowerCase()}`);
    figure.firstElementChild.textContent = word;
  }
}

function blank() {
  return Object.assign(new Image(about.width, about.height), { alt: "", className: "waiting" });
}

async function showTrial() {
  busy = true;
  const asked = state;
  if (at("trial").hidden) {
    prepareTrial();
    show("trial");
    fit();
  }
  at("progress-text").textContent = `${asked.stage === "practice" ? "Practice " : ""}${asked.number} / ${asked.of}${asked.parts > 1 && asked.stage === "trial" ? ` · part ${asked.part} of ${asked.parts}` : ""}`;
  at("progress").max = asked.of;
  at("progress").value = asked.number - 1;
  await showExamples(asked);
  const images = await Promise.all(asked.images.map((address, slot) => loaded(address, describe(slot))));
  if (asked !== state || at("trial").hidden) return;
  at("images").replaceChildren(...images);
  say(`${counted()}.`);
  requestAnimationFrame(() => {
    if (asked !== state || at("trial").hidden) return;
    visibleSince = performance.now();
    setBusy(false);
  });
}

function describe(slot) {
  if (about.mode === "two-alternative") return slot ? "Right image" : "Left image";
  return "Image to judge";
}

let examplesOf = null;
async function showExamples(asked) {
  if (examplesOf === asked.part || !about.examples) return;
  const sides = await Promise.all(["real", "fake"].map((side) => Promise.all(asked.examples[side].map((address) => loaded(address, "")))));
  sides.forEach((images, side) => at(side ? "examples-fake" : "examples-real").lastElementChild.replaceChildren(...images));
  examplesOf = asked.part;
  fit();
}

// An image that is ready to be painted; tried again until it is there.
async function loaded(address, text) {
  for (let tries = 0; ; tries += 1) {
    const image = Object.assign(new Image(about.width, about.height), { alt: text, draggable: false, src: `image/${address}` });
    try {
      await image.decode();
      if (tries) trouble("");
      return image;
    } catch {
      trouble("An image did not arrive; trying again …");
      if (tries) await leaveIfElsewhere();
      await new Promise((wake) => setTimeout(wake, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]));
    }
  }
}

// The same session in another window has answered this trial: its image is gone.
async function leaveIfElsewhere() {
  const now = await askUntilHeard("state");
  if (now.position !== state.position) location.reload();
}

function setBusy(now) {
  busy = now;
  for (const button of at("answers").children) button.setAttribute("aria-disabled", String(now));
}

function stopClock() {
  if (visibleSince !== null) seenMs += performance.now() - visibleSince;
  visibleSince = null;
}

async function submit(answer) {
  if (busy || at("trial").hidden) return;
  stopClock();
  setBusy(true);
  const before = state;
  at("images").replaceChildren(...before.images.map(blank));
  let found;
  try {
    found = await askUntilHeard("answer", { position: before.position, answer, reaction_ms: Math.round(seenMs) });
  } catch {
    location.reload(); // the session is gone, or is somewhere else: ask where it is
    return;
  }
  state = found;
  seenMs = 0;
  at("progress").value = before.number;
  if (state.stage === "done") showDone();
  else if (state.stage !== before.stage) showBetween("Practice is over", `Now ${state.of} questions follow. You can pause at any time.`);
  else if (state.part !== before.part) showBetween(`Part ${state.part} of ${state.parts}`, "Some of the examples are new. Look at them again before you go on.");
  else if (!at("trial").hidden) showTrial();
}

function pause() {
  if (at("trial").hidden || busy) return;
  stopClock();
  busy = true;
  showBetween("Pause", `Your answers are stored. You go on with ${counted()}.`);
}

// The largest whole-number enlargements, the same for all images, with which everything is on the screen at once.
function fit() {
  if (at("trial").hidden) return;
  const root = document.documentElement;
  root.style.setProperty("--scale", 1);
  root.style.setProperty("--example-scale", 1);
  const width = root.clientWidth; // taken while nothing is too wide, which would zoom a phone out
  const height = innerHeight;
  for (let scale = about.scale; scale >= 1; scale -= 1) {
    for (let example = Math.min(2, scale); example >= 1; example -= 1) {
      root.style.setProperty("--scale", scale);
      root.style.setProperty("--example-scale", example);
      const least = scale === Math.min(2, about.scale) && example === 1;
      const wide = root.scrollWidth > width;
      if (!wide && (least || root.scrollHeight <= height)) return;
    }
  }
}

// ---------------------------------------------------------------- events

async function begin(event) {
  event.preventDefault();
  const error = at("consent-error");
  if (!at("agree").checked) {
    error.textContent = "Please tick the box if you want to take part.";
    at("agree").focus();
    return;
  }
  error.textContent = "";
  try {
    const found = await askUntilHeard("begin", { consent: true, anew, code: about.code ? at("code").value.trim() : "" });
    if (about.code) code = at("code").value.trim();
    anew = false;
    examplesOf = null;
    enter(found);
  } catch (refused) {
    at("code-row").hidden = !about.code;
    error.textContent = refused.status === 403 ? "The access code is not right. Please check it." : "That did not work. Please try again.";
    if (about.code) at("code").focus();
  }
}

function otherPerson() {
  anew = true;
  showConsent();
}

function pressed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || at("trial").hidden) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const side = { f: 0, ArrowLeft: 0, j: 1, ArrowRight: 1 }[name];
  if (side !== undefined) {
    event.preventDefault();
    submit(choices()[side].answer);
  } else if (name === "p" || name === "Escape") {
    event.preventDefault();
    pause();
  }
}

async function load() {
  about = await askUntilHeard("about");
  document.title = about.title;
  for (const each of document.querySelectorAll("[data-title]")) each.textContent = about.title;
  paragraphs(at("consent-text"), about.consent.split(/\n\s*\n/));
  at("contact").textContent = `Contact: ${about.contact}`;
  at("contact").hidden = !about.contact;
  document.documentElement.style.setProperty("--width", about.width);
  document.documentElement.style.setProperty("--height", about.height);
  document.body.classList.toggle("sharp", !about.smooth);
  enter(await askUntilHeard("state"));
}

at("consent-form").addEventListener("submit", begin);
at("start").addEventListener("click", showTrial);
at("go-on").addEventListener("click", showTrial);
at("pause").addEventListener("click", pause);
at("somebody-else").addEventListener("click", otherPerson);
at("next-person").addEventListener("click", otherPerson);
addEventListener("keydown", pressed);
addEventListener("resize", fit);
document.addEventListener("visibilitychange", () => { if (document.hidden) pause(); });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
load();

// The language of the console, and its texts. Each language has a file, `messages.<language>.js`, with the same keys.

/** The languages that the server has texts in, each by its own name. */
export const LANGUAGES = {
  da: 'Dansk',
  de: 'Deutsch',
  en: 'English',
  fr: 'Français',
  nl: 'Nederlands',
  nb: 'Norsk',
  sv: 'Svenska',
};
const FALLBACK = 'en';
const STORED = 'kommando-language';

/** The language of a browser's tag such as `nb-NO`; undefined when the console does not have it. */
function languageOf(tag) {
  const language = tag.toLowerCase().split('-')[0];
  const written = ['no', 'nn'].includes(language) ? 'nb' : language;
  return written in LANGUAGES ? written : undefined;
}

const chosen = localStorage.getItem(STORED);
const preferred = navigator.languages.map(languageOf).find(Boolean);

export const language = chosen in LANGUAGES ? chosen : preferred ?? FALLBACK;

/** The language with the browser's region, such as `en-GB`: decides how dates and numbers are written. */
export const locale = navigator.languages.find(tag => languageOf(tag) === language) ?? language;

const { default: messages } = await import(`./messages.${language}.js`);
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(locale);

/** The text of a key. `{name}` stands for a value; `count` also picks the plural form. */
export function t(key, values = {}) {
  const message = messages[key];
  const text = typeof message === 'object' ? message[plurals.select(values.count)] ?? message.other : message;
  const write = value => (typeof value === 'number' ? numbers.format(value) : value);
  return text.replaceAll(/\{(\w+)\}/g, (_, name) => write(values[name]));
}

/** Remembers the language, and shows the page again in it. */
export function switchLanguage(language) {
  localStorage.setItem(STORED, language);
  location.reload();
}

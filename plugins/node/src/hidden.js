// Which headers hold a credential, as their names tell: the host's words, of pipeline/redact.
const WORDS = new Set(['pin', 'otp', 'totp', 'pan', 'cvv', 'cvv2', 'cvc', 'cvc2', 'ssn', 'pwd', 'jwt', 'auth', 'sid', 'sig', 'hmac', 'creds', 'passcode']);
const WHOLE = new Set([
  'pass', 'card', 'assertion', 'bearer', 'samlresponse', 'codeverifier', 'accountnumber', 'iban', 'cardholder', 'csrf', 'xsrf', 'pincode',
]);
const COUNTS = new Set(['tokentype', 'maxtokens', 'prompttokens', 'completiontokens', 'totaltokens', 'inputtokens', 'outputtokens']);
const PARTS = [
  'password', 'passwd', 'passphrase', 'passwort', 'secret', 'token', 'apikey', 'privatekey', 'accesskey', 'signingkey', 'encryptionkey', 'sharedkey',
  'credential', 'cookie', 'authorization', 'signature', 'clientassertion', 'cardnumber',
];

/** hides reports whether a header holds a credential by its name, which is in lower case: "*" does not show it. */
export function hides(name) {
  if (name.includes('session')) return true;
  const words = name.split(/[^a-z0-9]+/).filter(Boolean);
  if (words.some((w) => WORDS.has(w))) return true;
  const flat = words.join('');
  if (WHOLE.has(flat)) return true;
  return !COUNTS.has(flat) && PARTS.some((part) => flat.includes(part));
}

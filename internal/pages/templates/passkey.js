// Asks the browser for a passkey and sends the answer with the form. Nothing else
// on these pages needs a script. Buttons stay hidden where there are no passkeys.
'use strict';
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

function decoded(options) {
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of [options.excludeCredentials, options.allowCredentials]) {
    for (const one of list || []) one.id = bytes(one.id);
  }
  return options;
}

function encoded(made) {
  const r = made.response;
  const response = { clientDataJSON: text(r.clientDataJSON) };
  if (r.attestationObject) {
    response.attestationObject = text(r.attestationObject);
    if (r.getTransports) response.transports = r.getTransports();
  } else {
    response.authenticatorData = text(r.authenticatorData);
    response.signature = text(r.signature);
    if (r.userHandle) response.userHandle = text(r.userHandle);
  }
  return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {}, response });
}

for (const button of window.PublicKeyCredential ? document.querySelectorAll('button[data-passkey]') : []) {
  const form = button.form;
  const problem = form.querySelector('[data-problem]');
  button.hidden = form.hidden = false;
  button.addEventListener('click', async (e) => {
    e.preventDefault();
    if (!form.reportValidity()) return;
    problem.hidden = true;
    button.disabled = true;
    try {
      const publicKey = decoded(JSON.parse(button.dataset.options));
      const made = await navigator.credentials[button.dataset.passkey]({ publicKey });
      form.elements.response.value = encoded(made);
      form.submit();
    } catch (err) {
      problem.textContent = err.name === 'InvalidStateError' ? 'This passkey is set up already.' : 'No passkey was given. You can try again.';
      problem.hidden = false;
      button.disabled = false;
    }
  });
}

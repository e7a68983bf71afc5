// A plugin for a partner whose identity provider fits no standard. As a plugin it serves the stage partner/token; as `node partner.js token` it prints
// a token for the credential of type command. So the secret stays in the second process, and the stage knows the credential by its name alone.
if (process.argv[2] === 'token') {
  const { printTicket } = await import('./ticket.js'); // alone: each new ticket starts the program anew
  await printTicket(process.env, process.stdout).catch((err) => {
    console.error(`partner: ${err.cause?.code ?? err.message}`);
    process.exitCode = 1;
  });
} else {
  await import('./token.js');
  const { serve } = await import('@leatdev/plugin');
  serve();
}

// A day's work with imapflow, the IMAP client of Node. Prints what it saw as JSON.
// Usage: node imapflow_day.cjs HOST PORT, with NODE_PATH set.

const { ImapFlow } = require("imapflow");
const { version } = require("imapflow/package.json");

const [host, port] = process.argv.slice(2);

async function read(client, range, query) {
    const found = [];
    for await (const message of client.fetch(range, query)) {
        found.push(message);
    }
    return found;
}

async function day(client, seen) {
    seen.mailboxes = (await client.list()).map((each) => [each.path, each.specialUse || ""]);
    seen.status = await client.status("INBOX", { messages: true, unseen: true });
    const lock = await client.getMailboxLock("INBOX");
    try {
        const messages = await read(client, "1:*", {
            envelope: true, bodyStructure: true, flags: true, uid: true, size: true,
        });
        seen.subjects = messages.map((each) => each.envelope.subject);
        seen.from = messages[0].envelope.from[0].address;
        seen.types = messages.map((each) => each.bodyStructure.type);
        const { content } = await client.download("2", undefined, {});
        const pieces = [];
        for await (const piece of content) pieces.push(piece);
        seen.downloaded = Buffer.concat(pieces).toString();
        seen.found = await client.search({ subject: "three" }, { uid: true });
        await client.messageFlagsAdd("1", ["\\Flagged", "$Label"]);
        await client.messageFlagsRemove("1", ["$Label"]);
        await client.mailboxCreate("Kept");
        seen.copied = await client.messageCopy("1:2", "Kept");
        seen.copied.uidMap = [...seen.copied.uidMap];
        seen.moved = await client.messageMove("3", "Archive");
        seen.moved.uidMap = [...seen.moved.uidMap];
        seen.appended = await client.append("INBOX", "Subject: four\r\n\r\nx\r\n", ["\\Seen"]);
        await client.messageDelete("2");
        seen.left = (await read(client, "1:*", { envelope: true })).map(
            (each) => each.envelope.subject,
        );
        await client.noop();
    } finally {
        lock.release();
    }
    await client.mailboxRename("Kept", "Kept too");
    await client.mailboxDelete("Kept too");
}

async function main() {
    const client = new ImapFlow({
        host, port: Number(port), secure: false, logger: false, doSTARTTLS: false,
        auth: { user: "alice", pass: "wonderland" },
    });
    const seen = { version };
    await client.connect();
    try {
        await day(client, seen);
        // IDLE: another connection's news come without asking.
        await client.mailboxOpen("INBOX");
        const told = new Promise((resolve) => client.once("exists", resolve));
        const other = new ImapFlow({
            host, port: Number(port), secure: false, logger: false, doSTARTTLS: false,
            auth: { user: "alice", pass: "wonderland" },
        });
        await other.connect();
        const idle = client.idle();
        await other.append("INBOX", "Subject: five\r\n\r\nx\r\n");
        seen.told = (await told).count;
        await other.logout();
        await client.noop();
        await idle;
    } finally {
        await client.logout();
    }
    const plain = (_key, value) => (typeof value === "bigint" ? Number(value) : value);
    console.log(JSON.stringify(seen, plain));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});

"""Who may do what with a mailbox: SETACL to MYRIGHTS. RFC 4314 §3."""

from imapbox.imap.answers import Done
from imapbox.imap.session import Session
from imapbox.model.rights import NO_RIGHTS, RightsChange, Sign
from imapbox.wire.imap import acl_responses
from imapbox.wire.imap.commands.acl import (
    DeleteAcl,
    GetAcl,
    ListRights,
    MyRights,
    SetAcl,
)


async def set_acl(session: Session, command: SetAcl) -> Done:
    """Give somebody rights, or take some."""
    name = command.mailbox.name()
    await session.account.change_rights(name, command.identifier.name, command.change)
    return Done("Rights changed.")


async def delete_acl(session: Session, command: DeleteAcl) -> Done:
    """Take all of somebody's rights; he need not have any."""
    name = command.mailbox.name()
    none = RightsChange(Sign.REPLACE, NO_RIGHTS)
    await session.account.change_rights(name, command.identifier.name, none)
    return Done("Rights taken.")


async def get_acl(session: Session, command: GetAcl) -> Done:
    """Tell who has which rights."""
    name = command.mailbox.name()
    rights = await session.account.access_list(name)
    line = acl_responses.acl(name, rights, utf8=session.dialect.utf8)
    session.output.write(line)
    return Done("Rights listed.")


async def list_rights(session: Session, command: ListRights) -> Done:
    """Tell which rights somebody can be given."""
    name = command.mailbox.name()
    some = await session.account.grantable(name, command.identifier.name)
    line = acl_responses.list_rights(
        name, command.identifier.octets, some, utf8=session.dialect.utf8
    )
    session.output.write(line)
    return Done("Rights listed.")


async def my_rights(session: Session, command: MyRights) -> Done:
    """Tell which rights the user has."""
    name = command.mailbox.name()
    rights = await session.account.my_rights(name)
    line = acl_responses.my_rights(name, rights, utf8=session.dialect.utf8)
    session.output.write(line)
    return Done("Rights told.")

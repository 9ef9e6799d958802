"""What a page says about an error: status, title and a sentence, by the error's code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rosterd.directory.errors import DirectoryError, NotAllowed
from rosterd.directory.model import Role, Status
from rosterd.directory.signin import Means

ROLES = {
    Role.PRIMARY_OWNER: "Primary owner",
    Role.OWNER: "Owner",
    Role.ADMIN: "Admin",
    Role.MEMBER: "Member",
    Role.MULTI_CHANNEL_GUEST: "Multi-channel guest",
    Role.SINGLE_CHANNEL_GUEST: "Single-channel guest",
    Role.BOT: "Bot",
}

STATUSES = {
    Status.INVITED: "Invited member",  # as Slack's pages say it
    Status.ACTIVE: "Active",
    Status.DEACTIVATED: "Deactivated",
}

MEANS: Mapping[str, str] = {
    Means.OIDC: "identity provider",
    Means.LINK: "link by e-mail",
    Means.LOCAL: "password",
}


class Words(NamedTuple):
    status: int
    title: str
    text: str


WORDS: Mapping[str, Words] = {
    "access_denied": Words(403, "You may not do this", "Your role does not allow it."),
    "account_inactive": Words(403, "Your account is deactivated", "Ask an administrator to reactivate it."),
    "already_in_team": Words(
        409, "There is nobody to invite any more", "They have signed in already, and are an active member."
    ),
    "already_over": Words(409, "It is over already", "There is nothing left to stop."),
    "already_running": Words(
        409, "It was confirmed already", "It is done once, and this page shows how far it is."
    ),
    "already_submitted": Words(
        409, "This form was sent before", "It was taken the first time, and nothing was done twice."
    ),
    "already_undone": Words(409, "It was taken back already", "What a change did is taken back once."),
    "bad_endpoint": Words(404, "There is no such page", "The address may be mistyped."),
    "bad_redirect_uri": Words(
        400,
        "This app cannot be installed from here",
        "It wants the answer sent to an address that is not registered for it. Nothing was sent.",
    ),
    "batch_cancelled": Words(409, "This draft was put away", "Choose the people again."),
    "batch_expired": Words(
        409,
        "This preview is too old",
        "It says how things were more than an hour ago. Choose the people again.",
    ),
    "cannot_add_more_groups_to_channel": Words(
        409, "This allowlist is full", "Ten groups are the most that one has. Take one off first."
    ),
    "cannot_disable_bot_user_with_scim": Words(
        403, "A bot is not deactivated here", "End the app that it belongs to instead."
    ),
    "cannot_disable_primary_owner": Words(
        403,
        "You are the primary owner",
        "Somebody has to own the organisation, so you stay until you hand it over: on the page of whoever"
        " is next, choose “Change role” and there “Primary owner”.",
    ),
    "cannot_make_user_guest": Words(
        403,
        "They cannot become a guest",
        "Whoever runs the organisation or a workspace is no guest. Make them a plain member first.",
    ),
    "cannot_modify_gdpr": Words(
        403, "This person's data was erased", "What is left of the account cannot be changed."
    ),
    "cannot_modify_owner": Words(
        403, "You may not change this person", "Their role is above your own. Ask an owner."
    ),
    "cannot_modify_primary_owner": Words(
        403, "The primary owner stays who they are", "Only they can hand the organisation over."
    ),
    "cant_archive_general": Words(
        403, "The first channel of a workspace stays", "Every workspace has its #general."
    ),
    "changed_meanwhile": Words(
        409,
        "Somebody was faster",
        "What this page showed has changed since you opened it, so nothing was done. Look again.",
    ),
    "channel_is_not_private": Words(
        409, "This channel is not private", "Only a private channel can have an allowlist."
    ),
    "channel_not_in_required_workspace": Words(
        409,
        "The group does not reach this channel",
        "It can lead to channels of workspaces that it requires. Connect one first, as required.",
    ),
    "confirmation_mismatch": Words(
        400, "That is not what has to be typed", "Nothing was done. Type it as it stands below."
    ),
    "cross_site_request": Words(403, "This form came from elsewhere", "Only forms of this site are taken."),
    "default_channel_restricted": Words(
        409,
        "A default channel is for everybody in its workspace",
        "So it is not private, and has no allowlist.",
    ),
    "domain_taken": Words(
        409, "This domain is taken", "Another workspace has it, or has had it. Choose another."
    ),
    "email_not_verified": Words(
        403,
        "Your address is not verified",
        "Your identity provider does not say that your e-mail address is yours. Ask its administrator.",
    ),
    "feature_not_enabled": Words(
        403,
        "There is nothing to join or leave here",
        "Only an organisation on the plan Enterprise has several workspaces.",
    ),
    "filter_too_wide": Words(
        400,
        "This filter takes too long to follow",
        "Nobody was chosen. Narrow it, so that fewer people have to be looked at.",
    ),
    "group_already_linked_to_channel": Words(
        409, "The group is on this allowlist already", "Nothing was done."
    ),
    "group_must_not_be_empty": Words(
        409,
        "Nobody is in this group",
        "A list that allows nobody would empty the channel. Add members first.",
    ),
    "guests_see_no_directory": Words(
        403, "The directory is for members", "Guests see the people in the channels that they are in."
    ),
    "invalid_action": Words(400, "There is no such event", "Choose from the names that the audit log has."),
    "invalid_app_name": Words(400, "The app needs a name", "1 to 80 characters that can be shown."),
    "invalid_client_id": Words(
        400, "This app is not known here", "Its client id belongs to no app here, or to one that was ended."
    ),
    "invalid_cursor": Words(
        400, "This place in the list was not understood", "Begin at the start of the list again."
    ),
    "invalid_domain": Words(
        400,
        "This domain does not work",
        "Lower-case letters, digits and hyphens, at most 21, with a letter or digit at both ends.",
    ),
    "invalid_expiration": Words(
        400, "This day does not work", "Choose a day from today on, written like 2030-12-31."
    ),
    "invalid_form_data": Words(400, "The form was not understood", "Open the page again and retry."),
    "invalid_ip_range": Words(
        400,
        "One of the addresses is not understood",
        "Write IPv4 addresses or ranges such as 192.0.2.0/24, one on a line.",
    ),
    "invalid_link": Words(
        403, "This link leads nowhere any more", "It has been used, or is older than fifteen minutes."
    ),
    "invalid_list_state": Words(
        400, "A part of this address was not understood", "It was left out. What is shown is without it."
    ),
    "invalid_name_maxlength": Words(400, "This name is too long", "80 characters are the most."),
    "invalid_name_punctuation": Words(400, "This name is all punctuation", "Put a letter or a digit in it."),
    "invalid_name_required": Words(400, "There is no name", "Enter one."),
    "invalid_name_specials": Words(
        400,
        "This name has characters that do not work",
        "Lower-case letters, digits, hyphens and underscores do.",
    ),
    "invalid_overlap": Words(400, "That is too long", "Both tokens can work for 30 days at most."),
    "invalid_query": Words(400, "The address was not understood", "Open the page again and retry."),
    "invalid_redirect_uri": Words(
        400,
        "Answers cannot be sent there",
        "Write 1 to 20 addresses, one on a line: https, or http to this machine, without a part after #.",
    ),
    "invalid_request": Words(
        400, "The address was not understood", "Whoever sent you here asks for too much."
    ),
    "invalid_role": Words(400, "Choose a role", "Members can be made members, admins or owners."),
    "invalid_role_for_user": Words(
        403, "They cannot have this role", "A guest has to become a full member first, and a bot has none."
    ),
    "invalid_scope": Words(
        400, "Choose what it may do", "At least one scope is needed, in words such as admin."
    ),
    "invalid_token_name": Words(400, "That is no name", "80 characters at most, all of which can be shown."),
    "invalid_url": Words(
        400,
        "Events cannot be sent there",
        "Write an http or https address without a password or a part after #.",
    ),
    "is_archived": Words(409, "This channel is archived", "Take it out of the archive first."),
    "member_not_in_workspace": Words(409, "They are not in this workspace", "They may have left it already."),
    "member_required_by_group": Words(
        403,
        "A group requires them to be there",
        "They would be back with its next change. Take them out of the group instead.",
    ),
    "method_not_allowed": Words(405, "This is not how this page works", "Open it with a link."),
    "name_taken": Words(409, "This name is taken", "By a channel, a person or a group. Choose another."),
    "name_taken_in_org": Words(
        409, "This name is taken", "Another workspace is called that. Choose another."
    ),
    "no_such_app": Words(
        404, "There is no such app", "It is not of this organisation, or the address is mistyped."
    ),
    "no_such_batch": Words(
        404, "There is no such change", "It was never confirmed and is forgotten, or the address is mistyped."
    ),
    "no_such_change": Words(400, "Choose what is to be done", "One of the changes below."),
    "no_such_channel": Words(404, "There is no such channel", "The address may be mistyped."),
    "no_such_group": Words(404, "There is no such group", "The identity provider may have deleted it."),
    "no_such_idp": Words(404, "There is no identity provider", "Ask for a link by e-mail instead."),
    "no_such_org": Words(404, "There is no such organisation", "Nothing on this server has that domain."),
    "no_such_person": Words(
        404,
        "Nobody here is called that",
        "No member has this e-mail address or username. It has to be whole.",
    ),
    "no_such_team": Words(
        404, "There is no such workspace", "This organisation has none with that domain or id."
    ),
    "no_such_token": Words(404, "There is no such token", "It is not of this organisation, or mistyped."),
    "no_such_user": Words(404, "There is nobody here by that id", "The address may be mistyped."),
    "no_such_webhook": Words(
        404, "There is no such webhook", "It has been removed, or is not of this organisation."
    ),
    "nobody_chosen": Words(400, "Nobody was chosen", "Tick somebody in the list of members first."),
    "not_allowed": Words(
        403,
        "You may not do this by yourself",
        "Members join workspaces that are open or that a group of theirs leads to. Ask an administrator.",
    ),
    "not_an_admin": Words(
        403, "This page is for administrators", "Your own page says where you are and where you may go."
    ),
    "not_confirmed": Words(
        400, "The name was not typed as it stands", "So nothing was done. Type it exactly, then send again."
    ),
    "not_connected": Words(
        409, "They are not connected", "Somebody may have disconnected them already. Nothing was done."
    ),
    "not_in_workspace": Words(404, "You are not in this workspace", "You may have left it already."),
    "not_undoable": Words(
        409, "This cannot be taken back", "It is not over, has changed nobody, or was a mail."
    ),
    "not_your_draft": Words(
        403, "Somebody else has drafted this", "Whoever has looked at a preview confirms it."
    ),
    "nothing_chosen": Words(400, "Nothing was ticked", "Go back, and tick at least one."),
    "nothing_to_do": Words(409, "There is nothing to do", "Nobody would be changed."),
    "permission_denied": Words(403, "You may not do this", "Your role does not allow it."),
    "preview_not_ready": Words(409, "The preview is not ready", "Not everybody has been looked at yet."),
    "provider_refused": Words(
        403, "Your identity provider did not let you in", "It sent you back without saying who you are."
    ),
    "provider_unavailable": Words(
        502,
        "Your identity provider does not answer",
        "It is away, or answers otherwise than it should. Try again in a while, or ask for a link by e-mail.",
    ),
    "request_timeout": Words(408, "That took too long", "The form did not arrive in time. Try again."),
    "request_too_large": Words(413, "That was too much", "The form is larger than this page takes."),
    "required_by_group": Words(
        403,
        "You cannot leave this workspace by yourself",
        "A group that you are in has put you there. Ask an administrator to take you out of the group.",
    ),
    "restricted_by_allowlist": Words(
        403, "A channel there is not open to them", "They are in no group on its allowlist."
    ),
    "search_not_ready": Words(
        503, "The list of members is being made", "So some would be missing. Try again in a moment."
    ),
    "service_unavailable": Words(503, "We cannot answer just now", "Try again in a moment."),
    "sign_in_again": Words(
        403, "Sign in again first", "What you asked for needs a fresh sign-in. Nothing was done yet."
    ),
    "sign_in_not_fresh": Words(
        403,
        "Your identity provider did not ask again",
        "It let you in without asking who you are. Go back, and ask for a link by e-mail instead.",
    ),
    "single_channel_guest_needs_one_channel": Words(
        403,
        "A single-channel guest is in one channel alone",
        "Make them a multi-channel guest or a member first.",
    ),
    "token_ended": Words(
        409, "This token is no longer valid", "It was revoked, or its time was up. Make a new one instead."
    ),
    "token_rotated": Words(
        409, "This token was rotated before", "A newer token replaced it. Rotate that one, if you need to."
    ),
    "too_many_attempts": Words(
        429, "Too many attempts", "Wait a minute before the next one. A link by e-mail lets you in, too."
    ),
    "too_many_channels": Words(409, "The group would lead to too many channels", "100 are the most."),
    "too_many_deactivations": Words(
        400,
        "These are many people",
        "More would be deactivated than a word is enough for. Type their number instead.",
    ),
    "too_many_drafts": Words(
        429,
        "Many people were drafted lately",
        "300,000 within an hour are the most, whatever becomes of them. Wait a while, or choose fewer.",
    ),
    "too_many_ip_ranges": Words(400, "That is too many addresses", "Ten addresses or ranges at most."),
    "too_many_users": Words(
        400,
        "These are too many people",
        "10,000 are the most at once. Narrow the filter, and do the rest after.",
    ),
    "too_many_webhooks": Words(400, "There are too many webhooks", "Remove one first: 20 are the most."),
    "try_again_later": Words(503, "We cannot answer just now", "Too many are asking. Try again in a moment."),
    "unknown_member": Words(
        403,
        "You are not a member",
        "Your identity provider knows you, but nobody in this organisation has your e-mail address. Ask an"
        " administrator to add you.",
    ),
    "unknown_sign_in": Words(
        403, "This sign-in was not begun here", "Or it was begun too long ago. Sign in again from the start."
    ),
    "unsupported_response_type": Words(
        400, "This app asks for something unknown", "It has to ask for a code. Tell whoever made it."
    ),
    "untrusted_identity": Words(
        403, "We cannot tell who you are", "What your identity provider says does not hold. Sign in again."
    ),
    "user_already_team_member": Words(409, "They are there already", "Nothing was done."),
    "user_is_bot": Words(403, "This is a bot", "Bots come and go with their apps."),
    "user_is_deactivated": Words(409, "They are deactivated", "Reactivate them first."),
    "user_is_not_a_guest": Words(409, "They are not a guest", "Only a guest's account ends by itself."),
    "user_must_be_in_workspace": Words(
        403, "An owner has to be in a workspace", "Add them to a workspace first, then make them an owner."
    ),
    "verification_under_way": Words(
        409, "The chain is being checked", "Somebody has begun just now. What it finds will be shown here."
    ),
    "wrong_password": Words(
        403, "That is not right", "The name or the password is wrong, or there is no password for it."
    ),
}

_OF_OTHERS = {"not_in_workspace": "member_not_in_workspace", "required_by_group": "member_required_by_group"}


def of_others(error: DirectoryError) -> DirectoryError:
    """An error told to administrators of somebody, where members would be told it of themselves."""
    return NotAllowed(_OF_OTHERS.get(error.code, error.code), **error.data)


UNEXPLAINED = Words(500, "Something went wrong", "It has been noted, and is not your fault.")

-- Commands by what they order: what follows from commands is held against them, and how many there are says whether that has to be done anew.
CREATE INDEX officer_command_action ON officer_command (action, state);

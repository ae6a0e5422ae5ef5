//! Phrases that mark what a sentence does: decide, assign, propose, leave open, matter.

use super::Language;

/// The cue phrases of a language, with the English ones beside them.
#[derive(Debug, Clone)]
pub(crate) struct Cues {
    decisions: Vec<&'static str>,
    tasks: Vec<&'static str>,
    proposals: Vec<&'static str>,
    weight: Vec<&'static str>,
    open: Vec<&'static str>,
    urgent: Vec<&'static str>,
    idle: Vec<&'static str>,
}

impl Cues {
    pub(super) fn new(language: Language) -> Self {
        let mut lists = [vec![], vec![], vec![], vec![], vec![], vec![], vec![]];
        let own = (language != Language::English).then(|| phrases(language));
        for source in own.into_iter().chain([phrases(Language::English)]) {
            for (list, phrases) in lists.iter_mut().zip(source) {
                list.extend(phrases.split('|').filter(|phrase| !phrase.is_empty()));
            }
        }
        let [decisions, tasks, proposals, weight, open, urgent, idle] = lists;
        Self { decisions, tasks, proposals, weight, open, urgent, idle }
    }

    /// Whether a padded sentence (see [`padded`]) says that something was settled.
    pub(crate) fn decides(&self, padded: &str) -> bool {
        any(&self.decisions, padded)
    }

    /// Whether it gives somebody something to do.
    pub(crate) fn assigns(&self, padded: &str) -> bool {
        any(&self.tasks, padded)
    }

    /// Whether it proposes something.
    pub(crate) fn proposes(&self, padded: &str) -> bool {
        any(&self.proposals, padded)
    }

    /// Whether the speaker says that it matters: a problem, a goal, a cause, a conclusion.
    pub(crate) fn matters(&self, padded: &str) -> bool {
        any(&self.weight, padded)
    }

    /// Whether it says that something is still open.
    pub(crate) fn leaves_open(&self, padded: &str) -> bool {
        any(&self.open, padded)
    }

    /// Whether it is urgent.
    pub(crate) fn is_urgent(&self, padded: &str) -> bool {
        any(&self.urgent, padded)
    }

    /// Whether it can wait.
    pub(crate) fn can_wait(&self, padded: &str) -> bool {
        any(&self.idle, padded)
    }
}

fn any(phrases: &[&str], padded: &str) -> bool {
    phrases.iter().any(|phrase| padded.contains(phrase))
}

/// A sentence as the cues see it: lower-case words with single spaces between and around them.
pub(crate) fn padded(sentence: &str) -> String {
    let mut padded = String::with_capacity(sentence.len() + 2);
    padded.push(' ');
    for letter in sentence.chars() {
        if letter.is_alphanumeric() || matches!(letter, '\'' | '@') {
            padded.extend(letter.to_lowercase());
        } else if letter == '’' {
            padded.push('\'');
        } else if !padded.ends_with(' ') {
            padded.push(' ');
        }
    }
    if !padded.ends_with(' ') {
        padded.push(' ');
    }
    padded
}

/// Decisions, tasks, proposals, weight, open, urgent, idle.
fn phrases(language: Language) -> [&'static str; 7] {
    match language {
        Language::English => [
            " we decided | we've decided | have decided | has decided | it was decided | decision is | decision was | \
we agreed | we've agreed | have agreed | all agree | we agree | let's go with | let's stick with | go with | \
going with | we'll go with | settled on | settle on | settled | agreed to | agreed on | agreed that | \
final decision | decided to | decided on | decided that | approved | we'll use | we will use | we chose | \
we're going to use | we're going for | we are going to use | resolved to | signed off | it's a deal | \
motion is carried | adopted | the plan is | then it's decided | voted | rejected ",
            " i'll | i will | i can take | i'm going to | i am going to | we need to | we have to | we must | need to | \
you need to | needs to | has to | have to | can you | could you | would you | will you | please | todo | to do | \
action item | make sure | don't forget | remember to | follow up | take care of | responsible for | you should | \
assigned | let me | i'll take | we'll need | your task | by friday | by monday | by tomorrow | next step | \
supposed to | up to you | deadline ",
            " i suggest | i'd suggest | i propose | i recommend | i would recommend | we should | we could | \
why don't we | how about | what about | what if we | let's | i think we should | maybe we | perhaps we | \
suggestion | my proposal | i'd like | better to | ought to ",
            " problem | problems | issue | issues | important | importantly | main | key | goal | goals | aim | purpose | because | \
therefore | result | results | reason | conclusion | in summary | to summarise | to summarize | basically we | risk | \
concern | concerns | concerned | challenge | challenges | cost | costs | budget | need | needs | require | requires | required | requirement | \
requirements | support | decision | plan | plans | proposal | focus | responsible | failed | fails | broken | \
error | fixed | solution | solved | impact | priority | crucial | essential | significant | agreed | recommend ",
            " open question | still open | not sure if | not sure whether | don't know if | don't know whether | \
we need to find out | need to figure out | to be decided | tbd | unclear | remains to be seen | undecided | \
haven't decided | not decided | have to find out | still don't know | no idea why | no idea how ",
            " urgent | urgently | asap | immediately | right now | right away | critical | blocker | blocking | \
as soon as possible | top priority | high priority | highest priority | now please | before we can | must | \
outage | p0 | p1 | deadline ",
            " when you get a chance | when you have time | at some point | eventually | some day | someday | low priority | \
nice to have | no rush | no hurry | if you have time | maybe later | whenever | would be nice ",
        ],
        Language::German => [
            " beschlossen | entschieden | einigen wir uns | geeinigt | vereinbart | wir nehmen | abgemacht | machen wir so | \
beschluss | entscheidung | steht fest | festgelegt ",
            " ich werde | ich mache | ich kümmere | ich übernehme | kannst du | könntest du | könnten sie | bitte | müssen wir | \
wir müssen | muss noch | aufgabe | kümmert sich | übernimmt | ich schicke | ich prüfe | bis freitag | bis montag | bis morgen ",
            " ich schlage vor | vorschlag | wir sollten | wir könnten | lasst uns | lass uns | wie wäre es | was haltet ihr ",
            " problem | probleme | wichtig | fehler | ziel | grund | weil | deshalb | ergebnis | lösung | risiko | kosten | kaputt ",
            " offen | unklar | weiß nicht ob | noch nicht klar | nicht entschieden | müssen wir klären ",
            " dringend | sofort | kritisch | so schnell wie möglich | blockiert | höchste priorität ",
            " irgendwann | keine eile | bei gelegenheit | wenn du zeit hast | nicht dringend | später mal ",
        ],
        Language::French => [
            " décidé | on a décidé | on part sur | convenu | c'est décidé | décision | on garde | on prend | validé | adopté ",
            " je vais | je m'en occupe | je m'occupe | peux tu | peux-tu | pouvez vous | pourrais tu | il faut | on doit | tu dois | \
merci de | s'il te plaît | s'il vous plaît | à faire | je prépare | j'envoie ",
            " je propose | proposition | on devrait | on pourrait | et si on | je suggère | il vaudrait mieux ",
            " problème | problèmes | important | objectif | raison | parce que | donc | résultat | solution | risque | coût | erreur ",
            " pas sûr | à voir | on ne sait pas | reste à | pas encore décidé | pas clair ",
            " urgent | tout de suite | immédiatement | critique | bloquant | au plus vite | dès que possible ",
            " un jour | pas pressé | quand tu peux | pas urgent | plus tard | si tu as le temps ",
        ],
        Language::Spanish => [
            " decidido | decidimos | hemos decidido | acordamos | acordado | quedamos en | se decidió | decisión | aprobado | \
vamos con | nos quedamos con ",
            " voy a | yo me encargo | me encargo | puedes | podrías | podéis | por favor | hay que | tenemos que | tienes que | \
debemos | encárgate | tarea | te toca ",
            " propongo | propuesta | deberíamos | podríamos | sugiero | qué tal si | y si | mejor si ",
            " problema | problemas | importante | objetivo | razón | porque | por eso | resultado | solución | riesgo | coste | costo | error ",
            " no está claro | no sé si | no sabemos | por decidir | falta saber | pendiente de decidir ",
            " urgente | ya mismo | inmediatamente | crítico | cuanto antes | lo antes posible | bloqueado ",
            " sin prisa | cuando puedas | algún día | no es urgente | más adelante | si tienes tiempo ",
        ],
        Language::Italian => [
            " deciso | abbiamo deciso | concordato | siamo d'accordo | decisione | approvato | scegliamo | andiamo con ",
            " ci penso io | mi occupo | puoi | potresti | per favore | dobbiamo | bisogna | devi | da fare | lo faccio io ",
            " propongo | proposta | dovremmo | potremmo | suggerisco | che ne dite | e se ",
            " problema | problemi | importante | obiettivo | motivo | perché | quindi | risultato | soluzione | rischio | costo | errore ",
            " non è chiaro | non so se | non sappiamo | da decidere | resta da ",
            " urgente | subito | immediatamente | critico | il prima possibile | bloccante ",
            " con calma | quando puoi | non è urgente | più avanti | se hai tempo ",
        ],
        Language::Portuguese => [
            " decidimos | decidido | combinado | ficou decidido | acordado | decisão | aprovado | vamos com | fechado ",
            " eu vou | vou fazer | deixa comigo | você pode | pode | poderia | por favor | precisamos | temos que | tem que | tarefa ",
            " proponho | proposta | deveríamos | poderíamos | sugiro | que tal | e se ",
            " problema | problemas | importante | objetivo | razão | porque | por isso | resultado | solução | risco | custo | erro ",
            " não está claro | não sei se | não sabemos | a decidir | falta saber ",
            " urgente | imediatamente | crítico | o quanto antes | bloqueado | agora mesmo ",
            " sem pressa | quando puder | um dia | não é urgente | mais tarde | se tiver tempo ",
        ],
        Language::Dutch => [
            " besloten | afgesproken | we kiezen | besluit | beslissing | akkoord | we gaan voor | goedgekeurd ",
            " ik zal | ik ga | ik regel | ik doe | kun je | kan je | zou je | graag | we moeten | je moet | moet nog | taak ",
            " ik stel voor | voorstel | we zouden | laten we | misschien kunnen we | zullen we ",
            " probleem | problemen | belangrijk | doel | reden | omdat | daarom | resultaat | oplossing | risico | kosten | fout ",
            " onduidelijk | weet niet of | nog niet besloten | moeten we uitzoeken | staat open ",
            " dringend | meteen | onmiddellijk | kritiek | zo snel mogelijk | blokkeert ",
            " geen haast | ooit | als je tijd hebt | niet dringend | later eens ",
        ],
        Language::Other => [""; 7],
    }
}
